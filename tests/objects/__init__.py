"""Proof of targets."""
