"""What earlier answers of a server taught, for as long as an object store is open."""

from __future__ import annotations

from dataclasses import dataclass, field

from url_rewriter.objects.proving.folding import Folds
from url_rewriter.objects.proving.prefixes import Prefixes


@dataclass(frozen=True, slots=True)
class ProofMemory:
    """How the server answers below each prefix, and which keys it takes for which.

    ``unlisted`` are buckets that may not be listed.
    """

    prefixes: Prefixes
    folds: Folds = field(default_factory=Folds)
    unlisted: set[str] = field(default_factory=set)
