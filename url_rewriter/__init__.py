"""Rewrites Cloud Storage URLs in a Firestore database to S3 URLs: proven, journaled, undoable.

::

    store.scan -- Document --> plan -- edits, findings --> plan file <-- evidence -- objects
                               ^ rules, urls                   |
                                                               v
                               store.write <-- journal <-- apply     reports, gates read it

A pure core decides, on plain values: ``urls`` (the grammar), ``documents``, ``findings``,
``objectinfo``, ``evidence``, ``rules``, ``comparison``, ``copying`` and ``planning`` know no clock,
no network and no disk. A thin shell reads and writes: ``stores`` (documents), ``objects``
(targets), ``sources`` (what the objects were before the move), ``inventories`` (files that list
objects), ``planfile``, ``engines``, ``reports``, joined by ``pipeline``, whose use cases ``cli``
offers to operators and ``library`` to programs. A module imports only from layers below its own:
``pyproject.toml`` holds the contract.

``import url_rewriter`` gives the names of ``library``, and loads them when they are first used.

==================  ==============================================================================
word                means
==================  ==============================================================================
document            what a store holds: a path, fields, a revision
collection          documents under one parent; a collection group is all of one name
field path          names from the document down through maps
value path          a field path that may also step into arrays: ``("photos", 2, "url")``
revision            opaque token of a document's state; in Firestore, its update time
precondition        the revision that a write requires
URL form            one way of spelling a URL of an object: path, vhost, firebase, gs...
bucket, key         as in S3; together an object ref (an object name is a key too)
source, target      the object before, and after, the move
proposal            rules made of what a database holds, for people to change
rule                a declared move of objects from a bucket (and prefix) to a prefix
occurrence          one URL in one string: where, in which form and layer, with its readings
reading             one honest way to understand an occurrence
base                a URL that names no object, but all below a prefix: root, folder, template
edit                one string in a document, before and after
finding             something an operator should see: code, severity, place
evidence            what the object store said of a target, when and how
orphan              an object under a target prefix that no document mentions
comparison          whether a target is the object that its source was, and by what proof
transfer            one object copied from its source to its target, and the result
plan file           all edits and findings of a scan with their evidence, in one SQLite file
seal                the hash that binds rules, revisions, before and after
provenance          the hash that binds how a plan was made: when, by whom, how proven
journal, entry      what was about to be written, and the store's answer
outcome             what became of a planned write: written, unchanged, conflict, gone, failed
gate                a condition of ``verify``: it must hold, or what stands against it is told
waiver              what may stand against a gate, for a reason and until a day
verdict             what all gates come to: ready, waived, not ready, not asked enough to say
==================  ==============================================================================
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from url_rewriter.library import (
        Checks,
        FoundUrl,
        Limits,
        UrlRewriterError,
        apply,
        audit,
        events_to,
        find_urls,
        load_rules,
        mock_database,
        plan,
        report,
        rewrite,
        rollback,
        verify,
    )

__version__ = version("url-rewriter")
__all__ = [
    "Checks",
    "FoundUrl",
    "Limits",
    "UrlRewriterError",
    "apply",
    "audit",
    "events_to",
    "find_urls",
    "load_rules",
    "mock_database",
    "plan",
    "report",
    "rewrite",
    "rollback",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Load the library when it is first used."""
    if name in __all__:
        return getattr(import_module("url_rewriter.library"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted((*globals(), *__all__))
