"""What arrived and what was handled: of a stream across all sockets, and of one socket."""

from __future__ import annotations

from collections import deque
from typing import Any, Generic, Protocol, TypeVar


class Numbered(Protocol):
    """An event with its number."""

    @property
    def seq(self) -> int: ...


Event = TypeVar("Event", bound=Numbered)


class Inbox(Generic[Event]):
    """The events of one stream between the sockets and the loop: each once and in order, however often it is repeated."""

    def __init__(self, after: int) -> None:
        self._waiting: deque[tuple[Event, float]] = deque()
        self._in_hand: tuple[Event, float] | None = None
        #: The newest event that arrived, and the newest that the application has handled.
        self.received = self.handled = after
        # The newest on the socket of now: a gateway has no acknowledgement for what it has not sent.
        self._seen = after

    @property
    def acknowledgeable(self) -> int:
        """What may be acknowledged on the socket of now."""
        return min(self.handled, self._seen)

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    def restart(self, after: int) -> None:
        """Another socket begins to send what follows `after`."""
        self._seen = after

    def offer(self, event: Event, size: float) -> bool:
        """Takes an event in; repeated ones are dropped. False: one before it is missing."""
        if event.seq > self.received + 1:
            return False
        self._seen = max(self._seen, event.seq)
        if event.seq == self.received + 1:
            self.received = event.seq
            self._waiting.append((event, size))
        return True

    def take(self) -> Event | None:
        """The next event for the application, if there is one."""
        if not self._waiting:
            return None
        self._in_hand = self._waiting.popleft()
        return self._in_hand[0]

    def done(self) -> float | None:
        """The application is done with what it took last. Returns the size of that event, or None if there is none."""
        if self._in_hand is None:
            return None
        event, size = self._in_hand
        self._in_hand = None
        self.handled = event.seq
        return size

    def discard(self) -> float:
        """Drops what waits, as handled. Returns its size."""
        size = sum(each for _, each in self._waiting)
        self._waiting.clear()
        self._in_hand = None
        self.handled = self.received
        return size


#: When to acknowledge (protocol/README.md, Flow control).
ACK_BYTES = 65_536
ACK_EVENTS = 64


class Receipts:
    """What one socket owes the gateway. Messages are received when they arrive, events handled when the loop goes on."""

    def __init__(self) -> None:
        self._received = 0
        self._received_bytes = self._handled_bytes = 0.0
        self._handled: dict[str, int] = {}
        self._handled_events = 0
        #: Whether anything is unacknowledged.
        self.owes = False

    def arrived(self, size: int) -> None:
        """A message of this size arrived."""
        self._received += 1
        self._received_bytes += size
        self.owes = True

    def handled(self, stream_id: str, seq: int, size: float) -> None:
        """All events of a stream up to `seq` are handled; the newest has this size. It arrived on this socket."""
        self._handled[stream_id] = seq
        self._handled_bytes += size
        self._handled_events += 1
        self.owes = True

    @property
    def is_due(self) -> bool:
        """Whether so much is unacknowledged that it must not wait."""
        most = max(self._received_bytes, self._handled_bytes)
        return most >= ACK_BYTES or self._handled_events >= ACK_EVENTS

    def take(self) -> dict[str, Any]:
        """The acknowledgement of everything so far."""
        streams, self._handled = self._handled, {}
        self._received_bytes = self._handled_bytes = 0.0
        self._handled_events = 0
        self.owes = False
        return {"type": "ack", "received": self._received, "streams": streams}
