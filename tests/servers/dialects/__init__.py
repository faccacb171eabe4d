"""S3 servers that cannot be started here: one scripted server, and a table of dialects."""
