"""The whole story on this machine: invented documents, a real S3 server, the real commands.

The database is an embedded store, the objects lie in a folder that rclone serves on loopback with
real signatures. Nothing outside a temporary folder is touched.
"""
