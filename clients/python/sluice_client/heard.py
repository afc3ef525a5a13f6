"""What the gateway says to a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from .errors import SluiceError, failure
from .link import Frame, Link
from .reading import Reading

if TYPE_CHECKING:
    from .client import Sluice


class Heard:
    """The user of a client's connection; a part of the client in a file of its own."""

    def __init__(self, client: Sluice) -> None:
        self._client = client

    def is_wanted(self) -> bool:
        client = self._client
        for reading in list(client._readings.values()):
            client._has_expired(reading)
        return bool(client._readings)

    def ready(self) -> None:
        for reading in list(self._client._readings.values()):
            self._client._place(reading)

    def lost(self, link: Link) -> None:
        for reading in self._client._readings.values():
            if reading.link is link:
                self._client._unlink(reading)

    def failed(self, error: SluiceError) -> None:
        for reading in list(self._client._readings.values()):
            if not reading.link:
                self._client._settle(reading, error)

    def frame(self, frame: Frame, size: int, link: Link) -> None:
        client, kind = self._client, frame.get("type")
        if kind == "going_away":
            client._connection.leave(link, frame["afterMs"])
        reading = client._readings.get(frame.get("id") or "")
        if reading is None or reading.link is not link:
            return
        if kind == "error":
            self._refused(reading, frame["error"], link)
            return
        if kind == "detached":
            client._unlink(reading)
            if frame["code"] == "superseded":
                client._settle(reading, failure("superseded", "another client reads this stream now"))
            else:
                client._again(reading, 0)
            return
        client._connection.progressed()
        is_whole = True
        if kind == "opened":
            reading.opened({"stream": frame["stream"], "epoch": frame["epoch"]})
        elif kind == "resumed":
            reading.opened()
        elif kind in ("event", "events"):
            events = frame["events"] if kind == "events" else [frame]
            is_whole = reading.events(events, size, frame.get("dialect"))
        elif kind == "end":
            is_whole = reading.has_all(frame["lastSeq"])
            if is_whole:
                client._settle(reading, {key: frame[key] for key in frame if key not in ("type", "id")})
        if not is_whole:
            # This can only be a fault; the stream is read again from where it was whole.
            link.drop("an event was missing")

    def _refused(self, reading: Reading, error: Mapping[str, Any], link: Link) -> None:
        client, is_stopping = self._client, error["code"] == "shutting_down"
        client._unlink(reading)
        if is_stopping:
            client._connection.leave(link, error.get("retryAfterMs", 0))
        if is_stopping or (reading.is_opened and error["retryable"]):
            client._again(reading, error.get("retryAfterMs"))
        else:
            client._settle(reading, SluiceError(error))
