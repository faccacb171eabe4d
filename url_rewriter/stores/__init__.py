"""Document stores: the registry of locator schemes, and how a store is opened.

A store's clients are imported when it is opened, and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from url_rewriter.errors import ConfigurationError
from url_rewriter.stores.base import DocumentReader, DocumentStore


def open_reader(locator: str) -> DocumentReader:
    """Open a store that cannot be written to; `open_store` says what a locator is."""
    kind, address = _resolve(locator)
    return kind.open_reader(address)


def open_probe(locator: str) -> DocumentReader:
    """Open a store as ``open_reader`` does; it gives up in seconds what does not answer."""
    kind, address = _resolve(locator)
    return kind.open_probe(address)


def open_watcher(locator: str) -> DocumentReader:
    """Open a store as ``open_reader`` does, to be read again and again for days."""
    kind, address = _resolve(locator)
    return kind.open_watcher(address)


def open_store(locator: str) -> DocumentStore:
    """Open a store by its locator: ``firestore://PROJECT[/DATABASE]``, ``embedded:FILE.jsonl``.

    Without a project, ``firestore://`` is that of the credentials.
    Raises ConfigurationError for a locator that names no store, and what the store raises.
    """
    kind, address = _resolve(locator)
    return kind.open_store(address)


def _firestore_reader(address: str) -> DocumentReader:
    from url_rewriter.stores.firestore import FirestoreReader, connect

    return FirestoreReader(connect(*_firestore_address(address)))


def _firestore_probe(address: str) -> DocumentReader:
    from url_rewriter.stores.firestore import FirestoreReader, connect
    from url_rewriter.stores.firestore.faults import IMPATIENT

    return FirestoreReader(connect(*_firestore_address(address), limits=IMPATIENT))


def _firestore_watcher(address: str) -> DocumentReader:
    from url_rewriter.stores.firestore import FirestoreReader, connect
    from url_rewriter.stores.firestore.faults import WATCHFUL

    return FirestoreReader(connect(*_firestore_address(address), limits=WATCHFUL))


def _firestore_store(address: str) -> DocumentStore:
    from url_rewriter.stores.firestore import FirestoreStore, connect

    return FirestoreStore(connect(*_firestore_address(address)))


def _embedded_reader(address: str) -> DocumentReader:
    from url_rewriter.stores.embedded import EmbeddedReader

    return EmbeddedReader(Path(address))


def _embedded_store(address: str) -> DocumentStore:
    from url_rewriter.stores.embedded import EmbeddedStore

    return EmbeddedStore(Path(address))


@dataclass(frozen=True, slots=True)
class _StoreKind:
    """How the stores of one scheme are opened; ``spelling`` is a locator's, for people."""

    scheme: str
    spelling: str
    open_reader: Callable[[str], DocumentReader]
    open_store: Callable[[str], DocumentStore]
    open_probe: Callable[[str], DocumentReader]
    open_watcher: Callable[[str], DocumentReader]


STORES: Mapping[str, _StoreKind] = {
    "firestore": _StoreKind(
        "firestore://",
        "firestore://PROJECT[/DATABASE]",
        _firestore_reader,
        _firestore_store,
        _firestore_probe,
        _firestore_watcher,
    ),
    "embedded": _StoreKind(
        "embedded:",
        "embedded:FILE.jsonl",
        _embedded_reader,
        _embedded_store,
        _embedded_reader,
        _embedded_reader,
    ),
}


def _resolve(locator: str) -> tuple[_StoreKind, str]:
    for kind in STORES.values():
        if locator.startswith(kind.scheme):
            return kind, locator.removeprefix(kind.scheme)
    known = " or ".join(kind.spelling for kind in STORES.values())
    raise ConfigurationError(f"{locator!r} names no store; a store is {known}")


def _firestore_address(address: str) -> tuple[str, str]:
    project, _, database = address.removesuffix("/").partition("/")
    if "/" in database or any(character.isspace() for character in address):
        raise ConfigurationError(
            f"'firestore://{address}' names no store; it is firestore://PROJECT[/DATABASE]"
        )
    return project, database
