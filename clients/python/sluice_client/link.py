"""One socket: hello, acknowledgements, and whether it is alive."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Awaitable, Callable

from .clock import Clock, Stop, nothing
from .errors import NO_CODE, SluiceError, failure
from .flow import Receipts
from .sockets import Closed, Socket

Frame = dict[str, Any]

#: An acknowledgement may wait so long, in milliseconds (protocol/README.md, Flow control).
ACK_MS = 100
#: The least time between two: half of the 200 frames a second that a gateway takes from a client.
ACK_GAP_MS = 10


def encoded(frame: Frame) -> str:
    """A frame as JSON. Raises `bad_request` for what JSON cannot hold."""
    try:
        text = json.dumps(frame, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
        return text
    except (TypeError, ValueError, RecursionError) as error:
        raise failure("bad_request", f"the request is not JSON: {error}") from None


class Link:
    """Owns the task that reads a socket. `lost` is called once, unless the link is closed from here."""

    def __init__(
        self,
        dial: Callable[[], Awaitable[Socket]],
        clock: Clock,
        handshake_ms: float,
        silence_ms: float,
        ready: Callable[[Link], object],
        frame: Callable[[Frame, int, Link], object],
        lost: Callable[[Link, int, str, SluiceError | None], object],
    ) -> None:
        self.limits: dict[str, int] | None = None
        self._dial, self._clock = dial, clock
        self._handshake_ms, self._silence_ms = handshake_ms, silence_ms
        self._ready, self._frame, self._on_lost = ready, frame, lost
        self._receipts = Receipts()
        # Requests without an answer, oldest first: the gateway answers in order.
        self._unanswered: list[str] = []
        self._outgoing: asyncio.Queue[str | None] = asyncio.Queue()
        self._heard_at = clock.now()
        self._stop_watch: Stop = nothing
        self._stop_ack: Stop = nothing
        self._ack_at, self._acked_at = float("inf"), float("-inf")
        self._is_over = False
        self._watch()
        self.task = asyncio.create_task(self._run())

    @property
    def is_ready(self) -> bool:
        return self.limits is not None and not self._is_over

    def request(self, stream_id: str, text: str) -> None:
        """Sends an open or a resume, which will be answered."""
        self._unanswered.append(stream_id)
        self._outgoing.put_nowait(text)

    def send(self, frame: Frame) -> None:
        if not self._is_over:
            self._outgoing.put_nowait(encoded(frame))

    def handled(self, stream_id: str, seq: int, size: float) -> None:
        """All events of a stream up to `seq` are handled; the newest has this size."""
        self._receipts.handled(stream_id, seq, size)
        self._plan_ack()

    def close(self) -> None:
        """Says what was handled, and closes. Nothing is heard of it any more."""
        if self._is_over:
            return
        if self.limits is None:
            self.task.cancel()
        elif self._receipts.owes:
            self._acknowledge()
        self._end()
        # Behind everything that is to be sent.
        self._outgoing.put_nowait(None)

    def drop(self, reason: str) -> None:
        """Gives a dead or broken socket up."""
        self._lost(NO_CODE, reason)
        self.task.cancel()

    async def _run(self) -> None:
        try:
            socket = await self._dial()
        except Exception as error:
            # Whatever it was, from the network or the application's token function: it may go better next time.
            self._lost(NO_CODE, str(error), error if isinstance(error, SluiceError) else None)
            return
        writer = asyncio.create_task(self._write(socket))
        try:
            while True:
                self._message(await socket.recv())
        except Closed as closed:
            self._lost(closed.code, closed.reason)
        except (KeyError, TypeError, ValueError) as error:
            self._lost(NO_CODE, f"a frame could not be read: {error!r}")
        finally:
            writer.cancel()
            await socket.close()

    async def _write(self, socket: Socket) -> None:
        try:
            while (text := await self._outgoing.get()) is not None:
                await socket.send(text)
            self.task.cancel()
        except Closed:
            pass  # which the reader hears, too

    def _message(self, text: str | bytes) -> None:
        if self._is_over:
            return
        self._heard_at = self._clock.now()
        self._receipts.arrived(len(text))
        frame = _parsed(text)
        if frame is None:
            self.drop("what came is no frame")
        elif frame.get("type") == "hello":
            self.limits = frame["limits"]
            self._watch()  # from now on for silence
            self._ready(self)
        else:
            self._frame(self._answered(frame), len(text), self)
        self._plan_ack()

    def _answered(self, frame: Frame) -> Frame:
        """An error without an id has that of the oldest request."""
        if frame.get("type") not in ("opened", "resumed", "error"):
            return frame
        stream_id = frame.get("id") or next(iter(self._unanswered), None)
        if stream_id in self._unanswered:
            self._unanswered.remove(stream_id)
        return {**frame, "id": stream_id}

    def _plan_ack(self) -> None:
        if self._is_over or not self._receipts.owes:
            return
        now = self._clock.now()
        at = self._acked_at + ACK_GAP_MS if self._receipts.is_due else now + ACK_MS
        if at <= now:
            self._acknowledge()
        elif at < self._ack_at:
            self._stop_ack()
            self._ack_at = at
            self._stop_ack = self._clock.after(at - now, self._acknowledge)

    def _acknowledge(self) -> None:
        self._stop_ack()
        self._ack_at = float("inf")
        self._acked_at = self._clock.now()
        self.send(self._receipts.take())

    def _watch(self) -> None:
        """One timer that looks at the time of the last message, not one a message."""
        self._stop_watch()
        limit_ms = self._handshake_ms if self.limits is None else self._silence_ms
        left_ms = self._heard_at + limit_ms - self._clock.now()
        if left_ms <= 0:
            self.drop(f"nothing was heard for {limit_ms} ms")
        else:
            self._stop_watch = self._clock.after(left_ms, self._watch)

    def _lost(self, close_code: int, reason: str, refusal: SluiceError | None = None) -> None:
        if self._is_over:
            return
        self._end()
        self._on_lost(self, close_code, reason, refusal)

    def _end(self) -> None:
        self._is_over = True
        self._stop_watch()
        self._stop_ack()


def _parsed(text: str | bytes) -> Frame | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
