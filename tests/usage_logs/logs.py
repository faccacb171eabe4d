"""Usage logs as Cloud Storage writes them, made by the csv module."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime

COLUMNS = (
    "time_micros", "c_ip", "c_ip_type", "c_ip_region", "cs_method", "cs_uri", "sc_status",
    "cs_bytes", "sc_bytes", "time_taken_micros", "cs_host", "cs_referer", "cs_user_agent",
    "s_request_id", "cs_operation", "cs_bucket", "cs_object",
)  # fmt: skip

BROWSER = "Mozilla/5.0 (Windows NT 6.2; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"


def micros(moment: str) -> int:
    """A moment, in RFC 3339 without a zone, as microseconds since 1970."""
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1_000_000)


def row(
    time: int | str,
    bucket: str,
    key: str,
    *,
    operation: str = "GET_Object",
    status: str = "200",
    agent: str = BROWSER,
) -> list[str]:
    """One request."""
    return [
        str(time), "203.0.113.9", "1", "", "GET", f"/{bucket}/x?Signature=secret", status, "0",
        "277", "488000", "storage.googleapis.com", "https://shop.example/?q=secret", agent,
        "ADPycduvHuLfdAtc", operation, bucket, key,
    ]  # fmt: skip


def as_csv(rows: Iterable[list[str]], *, header: bool = True) -> bytes:
    """The content of a log file."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    if header:
        writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()
