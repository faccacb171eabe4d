"""Servers that tests start on loopback: real S3 servers, and one that misbehaves on command."""
