"""The embedded store: its file, its lines, its values."""
