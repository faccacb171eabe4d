"""How requests reach an S3 server, and how its answers are read."""
