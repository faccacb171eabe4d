"""Shards: what workers hand back, as files in a place that workers and driver both see.

A shard is put where none of its name is, whole or not at all: of two attempts at one part the first
wins, and the second adopts what it finds.
"""

from url_rewriter.shards.base import Shards
from url_rewriter.shards.encoding import read_lines, write_lines
from url_rewriter.shards.folder import FolderShards

__all__ = ["FolderShards", "Shards", "read_lines", "write_lines"]
