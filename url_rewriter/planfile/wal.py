"""Whether the write-ahead log beside a plan file is whole.

SQLite reads a log up to the first frame whose checksum is wrong, and says nothing of the rest: what
a killed run leaves at the end looks so. Here it is told from damage. A transaction is on disk
before the next one is begun, so behind the one that was cut there is none that ended.

The format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from pathlib import Path

_HEADER = 32
_FRAME = 24
_LITTLE_ENDIAN_SUMS = 0x377F0682
_LOOKS = 3
"""How often to look again: another process may write to the log meanwhile."""


def is_damaged(wal: Path) -> bool:
    """Whether transactions in a log are lost that had ended before it was cut."""
    return all(_loses_transactions(wal.read_bytes()) for _ in range(_LOOKS))


def _loses_transactions(data: bytes) -> bool:
    if len(data) <= _HEADER:  # a header is on disk before the first frame is written
        return False
    magic, _, page, _, *salts_and_sums = struct.unpack(">8I", data[:_HEADER].ljust(_HEADER, b"\0"))
    salts, sums = tuple(salts_and_sums[:2]), tuple(salts_and_sums[2:])
    order = "<" if magic == _LITTLE_ENDIAN_SUMS else ">"
    if magic | 1 != _LITTLE_ENDIAN_SUMS | 1 or _add(order, (0, 0), data[:24]) != sums:
        return True
    whole, ended = True, 0
    for start in range(_HEADER, len(data) - _FRAME - page + 1, _FRAME + page):
        _, size, *frame_salts_and_sums = struct.unpack(">6I", data[start : start + _FRAME])
        if tuple(frame_salts_and_sums[:2]) != salts:  # of an earlier round, or damaged
            whole = False
            continue
        if whole:
            sums = _add(order, sums, data[start : start + 8])
            sums = _add(order, sums, data[start + _FRAME : start + _FRAME + page])
            whole = sums == tuple(frame_salts_and_sums[2:])
        if not whole and size:
            ended += 1
    return ended > 1


def _add(order: str, sums: tuple[int, ...], data: bytes) -> tuple[int, int]:
    one, other = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for even, odd in zip(words, words, strict=True):
        one = (one + even + other) & 0xFFFFFFFF
        other = (other + odd + one) & 0xFFFFFFFF
    return one, other
