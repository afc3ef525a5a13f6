"""A gateway of the stream face without sockets or time, which a test moves step by step."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

from sluice_client.clock import Stop
from sluice_client.sockets import Closed

Frame = dict[str, Any]
LIMITS = {"streams": 32, "frameBytes": 100_000, "windowBytes": 9, "windowEvents": 9, "inFlightBytes": 9}
#: No more frames of events are put on their way at once.
GATE_FRAMES = 3


async def turn() -> None:
    """Everything that is ready runs."""
    for _ in range(12):
        await asyncio.sleep(0)


class ManualClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self._now = 0.0
        self.timers: list[tuple[float, Callable[[], object]]] = []

    def now(self) -> float:
        return self._now

    def random(self) -> float:
        return 0.0

    def after(self, ms: float, run: Callable[[], object]) -> Stop:
        timer = (self._now + ms, run)
        self.timers.append(timer)
        return lambda: timer in self.timers and self.timers.remove(timer)

    def pass_(self, ms: float) -> None:
        until = self._now + ms
        while due := sorted((timer for timer in self.timers if timer[0] <= until), key=lambda timer: timer[0]):
            self._now = max(self._now, due[0][0])
            self.timers.remove(due[0])
            due[0][1]()
        self._now = until


class FakeSocket:
    """The client's side of a socket that a test holds."""

    def __init__(self) -> None:
        self._incoming: asyncio.Queue[str | Closed] = asyncio.Queue()
        self.sent: list[Frame] = []
        self.is_closed = False

    def emit(self, frame: Frame) -> None:
        """The gateway's frame arrives."""
        self._incoming.put_nowait(json.dumps(frame))

    def die(self, code: int = 1006) -> None:
        self.is_closed = True
        self._incoming.put_nowait(Closed(code))

    async def send(self, text: str) -> None:
        if self.is_closed:
            raise Closed()
        self.sent.append(json.loads(text))

    async def recv(self) -> str:
        message = await self._incoming.get()
        if isinstance(message, Closed):
            raise message
        return message

    async def close(self) -> None:
        self.is_closed = True


class Sockets:
    """Dials: each socket is greeted at once."""

    def __init__(self, hello: Frame | None = None) -> None:
        self.all: list[FakeSocket] = []
        self._hello = hello or {"type": "hello", "protocol": "sluice.v1", "connection": "c", "limits": LIMITS}

    async def dial(self, address: str, protocols: Sequence[str], headers: Mapping[str, str]) -> FakeSocket:
        socket = FakeSocket()
        self.all.append(socket)
        socket.emit(self._hello)
        return socket


@dataclass
class Log:
    name: str
    events: int
    over: bool = False
    reader: Reader | None = None


@dataclass
class Reader:
    id: str
    log: Log
    sent: int
    handled: int
    end_sent: bool = False


@dataclass
class GatewaySocket:
    """A socket with what is on its way to the client, and to the gateway."""

    socket: FakeSocket
    readers: dict[str, Reader] = field(default_factory=dict)
    down: list[Frame] = field(default_factory=list)
    heard: int = 0
    messages: int = 0


class FakeGateway:
    """Credits, logs and resume as protocol/README.md tells them."""

    def __init__(self, window_events: int) -> None:
        self.logs: list[Log] = []
        #: What a real gateway would have refused.
        self.faults: list[str] = []
        self.sockets: list[GatewaySocket] = []
        self._by_key: dict[str, Log] = {}
        self._early = {0: 0, 1: 0}
        self._window = window_events

    async def dial(self, address: str, protocols: Sequence[str], headers: Mapping[str, str]) -> FakeSocket:
        held = GatewaySocket(FakeSocket())
        self.sockets.append(held)
        self._send(held, {"type": "hello", "protocol": "sluice.v1", "connection": "c", "limits": LIMITS})
        return held.socket

    def write(self, at: int, events: int) -> None:
        """The provider writes to the stream that is opened as number `at`, or will be."""
        if at < len(self.logs):
            self.logs[at].events += events
        else:
            self._early[at] += events

    def finish(self) -> None:
        for log in self.logs:
            log.over = True

    def deliver(self, up: int, down: int) -> None:
        """Frames arrive, at most so many at the gateway and at the client."""
        for held in self.sockets:
            for frame in held.socket.sent[held.heard : held.heard + up]:
                held.heard += 1
                self._hear(held, frame)
            self._fill(held)
            for frame in held.down[:down]:
                held.socket.emit(frame)
            del held.down[:down]

    def cut(self) -> None:
        """All sockets die, with everything on its way."""
        for held in self.sockets:
            held.socket.die()
            for reader in held.readers.values():
                if reader.log.reader is reader:
                    reader.log.reader = None
        self.sockets = []

    def _send(self, held: GatewaySocket, frame: Frame) -> None:
        held.messages += 1
        held.down.append(frame)

    def _hear(self, held: GatewaySocket, frame: Frame) -> None:
        if frame["type"] == "ack":
            self._acknowledge(held, frame)
        elif frame["type"] == "resume":
            log = next((each for each in self.logs if each.name == frame["stream"]), None)
            if log is None or frame["after"] > log.events:
                self.faults.append(f"resumes {frame}")
                return
            self._send(held, {"type": "resumed", "id": frame["id"], "after": frame["after"]})
            self._read(held, frame["id"], log, frame["after"])
        elif frame["type"] == "open":
            log = self._by_key.get(frame["idempotencyKey"])
            if log is None:
                at = len(self.logs)
                log = self._by_key[frame["idempotencyKey"]] = Log(f"s_{at}", self._early.get(at, 0))
                self.logs.append(log)
            self._send(held, {"type": "opened", "id": frame["id"], "stream": log.name, "epoch": 1})
            self._read(held, frame["id"], log, 0)

    def _read(self, held: GatewaySocket, stream_id: str, log: Log, after: int) -> None:
        log.reader = held.readers[stream_id] = Reader(stream_id, log, after, after)

    def _acknowledge(self, held: GatewaySocket, frame: Frame) -> None:
        if frame["received"] > held.messages:
            self.faults.append(f"received {frame['received']} of {held.messages}")
        for stream_id, seq in frame["streams"].items():
            reader = held.readers.get(stream_id)
            if reader is None or seq > reader.sent:
                self.faults.append(f"acknowledges {seq} of {stream_id}")
            else:
                reader.handled = max(reader.handled, seq)

    def _fill(self, held: GatewaySocket) -> None:
        for reader in held.readers.values():
            log = reader.log
            while (
                reader.sent < log.events and reader.sent - reader.handled < self._window and len(held.down) < GATE_FRAMES
            ):
                reader.sent += 1
                self._send(held, {"type": "event", "id": reader.id, "seq": reader.sent, "data": {}})
            if log.over and reader.sent == log.events and not reader.end_sent:
                reader.end_sent = True
                end = {"lastSeq": log.events, "status": "completed", "usage": {}, "timing": {}}
                self._send(held, {"type": "end", "id": reader.id, **end})
