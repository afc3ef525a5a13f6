"""The package `websockets`, whose newer and older interfaces differ in names."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Awaitable, Callable, Mapping, Protocol, Sequence
from urllib.parse import urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake

from .errors import NO_CODE, SluiceError, failure

#: Neither follows redirects, as no browser does: older versions carry the token to wherever one points.
_connect: Any
try:  # from 13 on
    from websockets.asyncio.client import connect as _newer

    class _Newer(_newer):
        def process_redirect(self, exc: Exception) -> Exception | str:
            return exc

    _connect, _HEADERS = _Newer, "additional_headers"
except ImportError:
    from websockets.legacy.client import Connect as _older

    class _Older(_older):
        def handle_redirect(self, uri: str) -> None:
            raise InvalidHandshake("the gateway redirects")

    _connect, _HEADERS = _Older, "extra_headers"

#: How long a socket that is closed waits for the other side, in seconds.
CLOSE_S = 1


class Closed(Exception):
    """The socket is closed, with this code and reason."""

    def __init__(self, code: int = NO_CODE, reason: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Socket(Protocol):
    """The part of a WebSocket that the client uses."""

    async def send(self, text: str) -> None:
        """Raises Closed."""

    async def recv(self) -> str | bytes:
        """The next message. Raises Closed."""

    async def close(self) -> None:
        """Closes it; more than once does no harm."""


#: Opens a socket: address, subprotocols, headers. Raises SluiceError if the gateway refuses for good.
Dial = Callable[[str, Sequence[str], Mapping[str, str]], Awaitable[Socket]]


class _WebSocket:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise _closed(error) from None

    async def recv(self) -> str | bytes:
        try:
            message: str | bytes = await self._connection.recv()
            return message
        except ConnectionClosed as error:
            raise _closed(error) from None

    async def close(self) -> None:
        # The older interface raises if the connection dies just then.
        with contextlib.suppress(ConnectionClosed, OSError):
            await self._connection.close()


def _closed(error: ConnectionClosed) -> Closed:
    return Closed(error.rcvd.code, error.rcvd.reason) if error.rcvd else Closed()


async def dial(address: str, protocols: Sequence[str], headers: Mapping[str, str]) -> Socket:
    """Opens a socket with the package. It watches nothing itself: the client has its own clocks."""
    options: dict[str, Any] = {
        _HEADERS: dict(headers),
        "subprotocols": list(protocols),
        "compression": None,
        "max_size": None,
        "open_timeout": None,
        "close_timeout": CLOSE_S,
        "ping_interval": None,
    }
    try:
        return _WebSocket(await _connect(address, **options))
    except InvalidHandshake as error:
        raise _refusal(error) or error from None


def _refusal(error: InvalidHandshake) -> SluiceError | None:
    """Why the gateway refuses, if it says so. Older versions of the package tell the status alone."""
    response: Any = getattr(error, "response", None)
    status: Any = getattr(response or error, "status_code", None)
    try:
        return SluiceError(json.loads(response.body)["error"])
    except (AttributeError, ValueError, TypeError, KeyError):
        code = {401: "unauthorized", 403: "forbidden"}.get(status)
    return failure(code, f"the gateway refused the connection with {status}") if code else None


def stream_address(url: str) -> str:
    """The address of the stream face at a gateway's address, which may have a path before it."""
    parts = urlsplit(url)
    scheme = parts.scheme.replace("http", "ws")
    if scheme not in ("ws", "wss") or not parts.hostname:
        raise failure("bad_request", f"{url} is no address of a gateway: give http:, https:, ws: or wss:")
    path = parts.path if parts.path.endswith("/v1/stream") else f"{parts.path.rstrip('/')}/v1/stream"
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))
