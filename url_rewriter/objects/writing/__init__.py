"""How objects are stored, with their checksums and metadata."""
