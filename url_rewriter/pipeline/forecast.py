"""What a run will cost, said before it is begun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from url_rewriter.concurrency.rate import seconds_for
from url_rewriter.text import counted, sized

READ_PRICE = 0.06 / 100_000
WRITE_PRICE = 0.18 / 100_000
"""US dollars for one document, at the list price of the multi-region nam5
(https://cloud.google.com/firestore/pricing); other regions charge up to twice as much."""

EGRESS_PRICE = 0.12 / 2**30
"""US dollars for one byte that leaves Cloud Storage for the internet, at the list price of the
first TiB of a month (https://cloud.google.com/storage/pricing); inside Google it costs less."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Documents read and written, and how long the writes take at least, in seconds."""

    reads: int
    writes: int
    seconds: float

    @property
    def dollars(self) -> float:
        """The price, at list prices."""
        return self.reads * READ_PRICE + self.writes * WRITE_PRICE

    def __str__(self) -> str:
        """The forecast in one line.

        >>> print(forecast_writes(21_377, ramp=True))
        21,377 reads and 21,377 writes, about $0.05 at list prices; at least 0:42
        """
        minutes, seconds = divmod(int(self.seconds), 60)
        return (
            f"{counted(self.reads, 'read')} and {counted(self.writes, 'write')}, about "
            f"${self.dollars:,.2f} at list prices; at least {minutes:,}:{seconds:02}"
        )


def forecast_reads(documents: int) -> str:
    """What reading so many documents costs, in one line.

    >>> print(forecast_reads(2_400_000))
    2,400,000 documents to read, about $1.44 at list prices
    """
    price = documents * READ_PRICE
    return f"{counted(documents, 'document')} to read, about ${price:,.2f} at list prices"


def forecast_watch(documents: int, every: timedelta) -> str:
    """What rescans of so many documents cost, in one line.

    >>> print(forecast_watch(2_400_000, timedelta(hours=6)))
    2,400,000 documents to read, about $1.44 at list prices, for each rescan; about $5.76 a day
    """
    a_day = documents * READ_PRICE * (timedelta(days=1) / every)
    return f"{forecast_reads(documents)}, for each rescan; about ${a_day:,.2f} a day"


def forecast_writes(documents: int, *, ramp: bool, cap: float | None = None) -> Forecast:
    """What writing so many documents takes: each is read just before it is written."""
    return Forecast(documents, documents, seconds_for(documents, ramp=ramp, cap=cap))


def forecast_copy(objects: int, size: int) -> str:
    """What copying so many objects, of so many bytes together, costs, in one line.

    >>> print(forecast_copy(22, 3 * 2**30))
    22 objects to copy, 3.0 GiB, about $0.36 to read at list prices
    """
    price = f"about ${size * EGRESS_PRICE:,.2f} to read at list prices"
    return f"{counted(objects, 'object')} to copy, {sized(size)}, {price}"
