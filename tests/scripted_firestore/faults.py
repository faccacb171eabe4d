"""How a request or a write is refused."""

from __future__ import annotations

from grpc import StatusCode


class RefusedError(Exception):
    """Ends a call with ``code``; of one write in a batch, ends that write with it."""

    def __init__(self, code: StatusCode, details: str = "") -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details

    @property
    def number(self) -> int:
        """The code as google.rpc.Status has it."""
        number: int = self.code.value[0]
        return number


class InvalidRequestError(RefusedError):
    """Refuses a whole request."""

    def __init__(self, details: str) -> None:
        super().__init__(StatusCode.INVALID_ARGUMENT, details)
