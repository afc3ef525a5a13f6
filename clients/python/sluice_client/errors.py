"""The one error class, and what close codes mean. tests/test_codes.py holds the table against protocol/codes.ts."""

from __future__ import annotations

from typing import Any, Mapping


class SluiceError(Exception):
    """Every failure that the client reports. `code` is one of protocol/codes.ts, also for what only the client sees."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(f"{body['code']}: {body['message']}")
        self.code: str = body["code"]
        self.message: str = body["message"]
        #: Whether the same request can succeed later.
        self.retryable: bool = body["retryable"]
        #: When to try again, in milliseconds, if the gateway said so.
        self.retry_after_ms: float | None = body.get("retryAfterMs")
        self.details: Mapping[str, Any] = body.get("details") or {}


def failure(code: str, message: str, retryable: bool = False) -> SluiceError:
    """An error that is not worth a second try, unless `retryable`."""
    return SluiceError({"code": code, "message": message, "retryable": retryable})


#: A socket that closed without a code, or was given up.
NO_CODE = 1006

#: Below 4000 the standard decides, from 4500 on the gateway does: these closings are final.
FINAL = {
    1003: "binary_frame",
    1008: "bad_frame",
    1009: "frame_too_large",
    4501: "unauthorized",
    4503: "forbidden",
    4506: "bad_protocol_version",
    4508: "too_many_violations",
}

#: After these the gateway needs a moment: shutting down, overloaded, too many frames.
BUSY = (1012, 1013, 4029)
BUSY_MS = 1_000


def final_error(close_code: int, reason: str) -> SluiceError | None:
    """Why a client must not reconnect after this close code; None if it may."""
    code = FINAL.get(close_code) or ("forbidden" if close_code >= 4500 else None)
    return failure(code, f"the gateway closed the connection with {close_code} {reason}".strip()) if code else None


def pause_after(close_code: int) -> int:
    """The least time to wait before the next connection, in milliseconds."""
    return BUSY_MS if close_code in BUSY else 0
