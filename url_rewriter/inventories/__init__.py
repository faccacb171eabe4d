"""Inventories: files that list the objects of buckets, written by S3, gcloud or rclone."""
