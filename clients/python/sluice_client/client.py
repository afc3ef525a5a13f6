"""A gateway: all streams share one connection, which is made when the first is opened."""

from __future__ import annotations

import secrets
from typing import Any, Literal, Mapping, overload

from .clock import Clock, SystemClock, backoff_ms
from .connection import Connection, ConnectionState, Credentials, Source
from .dialects import RAW, Data, Dialect
from .errors import failure
from .heard import Heard
from .link import Frame, encoded
from .reading import Outcome, Reading
from .sockets import Dial, dial as dial_websocket, stream_address
from .stream import SluiceStream

Leave = Literal["cancel", "detach"]
Away = Literal["continue", "finish", "cancel"]
Json = Mapping[str, Any]


class Sluice:
    """A gateway's client. Nothing is sent until the first stream is opened, inside an event loop.

    `token` or `ticket` may be a function, also async, that is called for each connection. `grace_ms`: how long a stream
    waits for a lost connection to return; `connect_ms`: for the very first one. `handshake_ms`: how long one attempt may
    take until the gateway's hello. `silence_ms`: after how much silence a connection is dead. `clock` and `dial` are for
    tests. Raises SluiceError `bad_request` for options that cannot be.
    """

    def __init__(
        self,
        url: str,
        *,
        token: Source | None = None,
        ticket: Source | None = None,
        upstream_key: str | None = None,
        grace_ms: float = 120_000,
        connect_ms: float = 10_000,
        handshake_ms: float = 10_000,
        silence_ms: float = 45_000,
        clock: Clock | None = None,
        dial: Dial = dial_websocket,
    ) -> None:
        if token is not None and ticket is not None:
            raise failure("bad_request", "give either token or ticket")
        self._address = stream_address(url)
        self._clock = clock or SystemClock()
        self._grace_ms, self._connect_ms = grace_ms, connect_ms
        self._upstream_key = upstream_key
        self._readings: dict[str, Reading] = {}
        self._is_closed = False
        credentials = Credentials(token, ticket)
        timeouts = (handshake_ms, silence_ms)
        self._connection = Connection(self._address, credentials, dial, self._clock, timeouts, Heard(self))

    @property
    def state(self) -> ConnectionState:
        """What the connection is doing: `idle`, `connecting`, `open` or `waiting` (for the next attempt)."""
        return self._connection.state

    @overload
    def open(
        self,
        *,
        model: str | None = None,
        route: str | None = None,
        body: Json | None = None,
        bodies: Mapping[str, Json] | None = None,
        leave: Leave = "cancel",
        away: Away | None = None,
        upstream_key: str | None = None,
        retry: bool | None = None,
        idempotency_key: str | None = None,
    ) -> SluiceStream[Any]: ...

    @overload
    def open(
        self,
        *,
        model: str | None = None,
        route: str | None = None,
        body: Json | None = None,
        bodies: Mapping[str, Json] | None = None,
        dialect: Dialect[Data],
        leave: Leave = "cancel",
        away: Away | None = None,
        upstream_key: str | None = None,
        retry: bool | None = None,
        idempotency_key: str | None = None,
    ) -> SluiceStream[Data]: ...

    def open(
        self,
        *,
        model: str | None = None,
        route: str | None = None,
        body: Json | None = None,
        bodies: Mapping[str, Json] | None = None,
        dialect: Dialect[Any] = RAW,
        leave: Leave = "cancel",
        away: Away | None = None,
        upstream_key: str | None = None,
        retry: bool | None = None,
        idempotency_key: str | None = None,
    ) -> SluiceStream[Any]:
        """Asks a model. The stream is there at once; the loop hears of a refusal.

        `model` is an alias of the gateway, or `route` one of its routes, with the model in `body`, the provider's own
        request. `bodies` has one for each dialect instead. `leave` says what leaving the loop does: `cancel` ends the
        stream, `detach` leaves it to the gateway and `away`. The other fields are those of docs/client.md.
        """
        fields = {
            "model": model,
            "route": route,
            "body": body,
            "dialect": None if bodies is None else "any",
            "bodies": bodies,
            "upstreamKey": upstream_key if upstream_key is not None else self._upstream_key,
            "retry": retry,
            "away": away,
        }
        request: Frame = {
            "type": "open",
            "id": secrets.token_hex(8),
            **{name: value for name, value in fields.items() if value is not None},
            "idempotencyKey": idempotency_key if idempotency_key is not None else secrets.token_hex(16),
            "batch": True,
        }
        encoded(request)
        return self._read(Reading(request, {"id": request["id"], "after": 0}), leave)

    @overload
    def restore(self, saved: Json, *, leave: Leave = "cancel") -> SluiceStream[Any]: ...

    @overload
    def restore(self, saved: Json, *, dialect: Dialect[Data], leave: Leave = "cancel") -> SluiceStream[Data]: ...

    def restore(self, saved: Json, *, dialect: Dialect[Any] = RAW, leave: Leave = "cancel") -> SluiceStream[Any]:
        """Reads a saved stream on, after the last event that was handled. Whoever reads it now gets `superseded`."""
        request = saved.get("open")
        if request is not None and self._upstream_key is not None:
            request = {**request, "upstreamKey": self._upstream_key}
        return self._read(Reading(request, saved), leave)

    def save(self) -> list[dict[str, Any]]:
        """Where all open streams are, as JSON: `restore` each in the next process."""
        return [reading.save() for reading in self._readings.values()]

    async def close(self) -> None:
        """Leaves the gateway. Streams that are not over fail with `client_gone`; the gateway keeps them as `away` says."""
        self._is_closed = True
        for reading in list(self._readings.values()):
            self._settle(reading, failure("client_gone", "the client was closed"))
        await self._connection.close()

    async def __aenter__(self) -> Sluice:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _read(self, reading: Reading, leave: Leave) -> SluiceStream[Any]:
        if self._is_closed:
            raise failure("bad_request", "the client is closed")
        if reading.id in self._readings:
            raise failure("duplicate_id", "this stream is open in this client")
        self._readings[reading.id] = reading
        reading.lost_at = self._clock.now()
        self._place(reading)

        def cancel() -> None:
            self._cancel(reading)

        return SluiceStream(reading, cancel, cancel if leave == "cancel" else lambda: self._detach(reading))

    def _cancel(self, reading: Reading) -> None:
        if reading.outcome is not None:
            return
        reading.cancel()
        if reading.link:
            reading.link.send({"type": "cancel", "id": reading.id})
        elif not reading.is_sent:
            self._settle(reading, failure("cancelled", "cancelled before it was sent"))

    def _detach(self, reading: Reading) -> None:
        link = reading.link
        self._settle(reading, failure("client_gone", "the loop left the stream, which goes on as its away says"))
        if link is None:
            return
        # There is no frame for it. The gateway parks a stream when the socket that reads it closes: this or another.
        if any(other.link is link for other in self._readings.values()):
            self._connection.aside(reading.id, encoded(reading.come_back()))
        else:
            self._connection.drop(link)

    # The way there.

    def _place(self, reading: Reading) -> None:
        link = self._connection.link
        if reading.outcome is not None or reading.link:
            return
        if link is None:
            self._connection.want()
            return
        text = encoded(reading.come_back())
        limit = (link.limits or {}).get("frameBytes", 0)
        if len(text.encode()) > limit:
            self._settle(reading, failure("frame_too_large", f"the request is larger than {limit} bytes"))
            return
        reading.link = link
        reading.is_sent = True
        link.request(reading.id, text)
        if reading.is_cancelled:
            link.send({"type": "cancel", "id": reading.id})

    def _again(self, reading: Reading, ms: float | None) -> None:
        def place() -> None:
            if not self._has_expired(reading):
                self._place(reading)

        wait_ms = backoff_ms(1, self._clock.random()) if ms is None else ms
        reading.stop_waiting = self._clock.after(wait_ms, place)

    def _unlink(self, reading: Reading) -> None:
        reading.link = None
        if reading.lost_at is None:
            reading.lost_at = self._clock.now()
        if reading.is_opened:
            reading.state = "reconnecting"

    def _has_expired(self, reading: Reading) -> bool:
        """Gives up a stream that has waited too long for a connection."""
        limit_ms = self._grace_ms if self._connection.was_open else self._connect_ms
        if reading.link or reading.lost_at is None or self._clock.now() - reading.lost_at < limit_ms:
            return False
        self._settle(reading, failure("client_gone", f"no connection to {self._address} for {limit_ms} ms", True))
        return True

    def _settle(self, reading: Reading, outcome: Outcome) -> None:
        self._readings.pop(reading.id, None)
        reading.settle(outcome)


connect = Sluice
