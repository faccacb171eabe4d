"""The Firestore adapter against servers that speak its protocol."""
