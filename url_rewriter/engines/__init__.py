"""Engines: how the parts of a scan are spread; today over the threads of this process.

Whatever the engine, a plan is the same, in the same order: each part of a scan has numbers of its
own in the plan file.
"""

from url_rewriter.engines.base import Batch, Budget, Engine, Part, Reducer, Scan
from url_rewriter.engines.threads import Threads

__all__ = ["Batch", "Budget", "Engine", "Part", "Reducer", "Scan", "Threads"]
