"""The tests, importable: doubles and harnesses are shared between them."""
