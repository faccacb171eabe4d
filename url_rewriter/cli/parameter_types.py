"""What the values of options are made of: sizes, moments, durations."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import click


class Size(click.ParamType[int]):
    """A number of bytes: a number, and K, M, G or T for powers of 1,024."""

    name = "size"
    _UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}  # noqa: RUF012 - a constant

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes that ``value`` says."""
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", value.strip().lower())
        if match is None:
            self.fail(f"{value!r} is not a size such as 500M, 20G or 1T.", param, ctx)
        return int(float(match[1]) * 1024 ** self._UNITS[match[2]])


class Moment(click.ParamType[datetime]):
    """A point in time with its zone, as RFC 3339 writes it."""

    name = "rfc3339"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The aware datetime that ``value`` says."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-11-23T02:18:00Z.", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} names no time zone: add Z for UTC.", param, ctx)
        return moment


class Duration(click.ParamType[timedelta]):
    """A length of time: a number and s, m, h or d."""

    name = "duration"
    _UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}  # noqa: RUF012 - a constant

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The length of time that ``value`` says."""
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", value.strip())
        if match is None:
            self.fail(f"{value!r} is not a duration such as 90s, 15m, 24h or 7d.", param, ctx)
        try:
            return timedelta(**{self._UNITS[match[2]]: float(match[1])})
        except OverflowError:
            self.fail(f"{value!r} is too long.", param, ctx)


class Endpoint(click.ParamType[str]):
    """The address of an S3 server."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address as it was given."""
        from url_rewriter.errors import ConfigurationError
        from url_rewriter.objects.transport.settings import require_endpoint

        try:
            require_endpoint(value.rstrip("/"))
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)
        return str(value)
