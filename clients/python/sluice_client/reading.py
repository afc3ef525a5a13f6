"""One stream across all sockets that read it: where it is, what waits, and how it ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Generic, Literal, Mapping, Sequence, Union

from .clock import Stop, nothing
from .dialects import Data, text_of
from .errors import SluiceError, failure
from .flow import Inbox
from .link import Frame, Link

StreamState = Literal["opening", "reading", "reconnecting", "over"]
#: How a stream ended, as the frame `end` says (protocol/README.md), or why there is no end.
Outcome = Union[Mapping[str, Any], SluiceError]


@dataclass(frozen=True)
class StreamEvent(Generic[Data]):
    """One event of the provider."""

    #: Counts 1, 2, 3 … in a stream, without gaps.
    seq: int
    #: The provider's name of the event, if it sent one.
    name: str | None
    #: What the provider sent: parsed JSON, or a string if `raw`.
    data: Data
    #: The data was not JSON, such as `[DONE]`.
    raw: bool
    #: The dialect of the data, by the gateway's name of it, if the stream was opened with `bodies`.
    dialect: str | None
    #: The text that this event adds to the answer, in any dialect; "" if it adds none.
    text: str


class Reading:
    """What the client knows of a stream; `saved` is JSON as `save` gives it."""

    def __init__(self, request: Frame | None, saved: Mapping[str, Any]) -> None:
        self.id: str = saved["id"]
        self.request = request
        #: The socket that reads it now, and since when it has had none, in the clock's milliseconds.
        self.link: Link | None = None
        self.lost_at: float | None = None
        #: Whether the gateway may know of it.
        self.is_sent = False
        self.is_cancelled = False
        self.outcome: Outcome | None = None
        self.stop_waiting: Stop = nothing
        self._name = {key: saved[key] for key in ("stream", "epoch") if saved.get(key) is not None}
        self.state: StreamState = "reconnecting" if self.is_opened else "opening"
        self._inbox: Inbox[StreamEvent[Any]] = Inbox(saved["after"])
        self._dialect: str | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._over = asyncio.Event()

    @property
    def is_opened(self) -> bool:
        return len(self._name) == 2

    def come_back(self) -> Frame:
        """The frame that opens it, again if need be, or reads it on."""
        after = self._inbox.handled if self.is_opened else 0
        self._inbox.restart(after)
        if self.is_opened or self.request is None:
            return {"type": "resume", "id": self.id, **self._name, "after": after, "batch": True}
        return self.request

    def save(self) -> dict[str, Any]:
        if self.is_opened or self.request is None:
            return {"id": self.id, "after": self._inbox.handled, **self._name}
        request = {key: value for key, value in self.request.items() if key != "upstreamKey"}
        return {"id": self.id, "after": 0, "open": request}

    # What the gateway says.

    def opened(self, name: dict[str, Any] | None = None) -> None:
        """The gateway reads it for this client now."""
        if name and not self.is_opened:
            self._name = name
        self.lost_at = None
        self.state = "reading"

    def events(self, events: Sequence[Frame], size: int, dialect: str | None) -> bool:
        """Takes events in. False: one is missing."""
        self._dialect = dialect or self._dialect
        for event in events:
            data, raw = event.get("data"), event.get("raw") is True
            taken = StreamEvent(event["seq"], event.get("event"), data, raw, self._dialect, text_of(data))
            if not self._inbox.offer(taken, size / len(events)):
                return False
        if self.is_cancelled:
            self._inbox.discard()
        if self._inbox.is_empty:  # Repeated ones may all be handled; the gateway waits to hear so.
            self._report(size)
        self._wake()
        return True

    def has_all(self, last_seq: int) -> bool:
        """Whether every event up to this one has arrived."""
        return self._inbox.received >= last_seq

    def settle(self, outcome: Outcome) -> None:
        """It is over."""
        self.stop_waiting()
        if self.outcome is None:
            self.outcome = outcome
            self.state = "over"
            self._over.set()
            self._wake()

    # What the application does.

    def take(self) -> StreamEvent[Any] | None:
        """The next event that waits."""
        return self._inbox.take()

    def done(self) -> None:
        """The application is done with the event it took last."""
        size = self._inbox.done()
        if size is not None:
            self._report(size)

    async def changed(self) -> None:
        """Waits for an event or the end. Raises `bad_request` if another loop waits."""
        if self._waiter is not None:
            raise failure("bad_request", "another loop reads this stream")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def end(self) -> Mapping[str, Any]:
        await self._over.wait()
        if isinstance(self.outcome, SluiceError):
            raise self.outcome
        return self.outcome or {}

    def cancel(self) -> None:
        """Nothing that comes is wanted."""
        self.is_cancelled = True
        self._report(self._inbox.discard())
        self._wake()

    def _report(self, size: float) -> None:
        if self.link:
            self.link.handled(self.id, self._inbox.acknowledgeable, size)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
