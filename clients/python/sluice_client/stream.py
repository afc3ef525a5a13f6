"""One answer of a model, as it comes."""

from __future__ import annotations

import asyncio
from typing import Any, AsyncIterator, Callable, Generic, Mapping

from .dialects import Data
from .errors import SluiceError, failure
from .reading import Reading, StreamEvent, StreamState


class SluiceStream(Generic[Data]):
    """Read it with `async for` or `text()`, once. `async with` leaves it at the end of the block, whatever happens."""

    def __init__(self, reading: Reading, cancel: Callable[[], None], leave: Callable[[], None]) -> None:
        self._reading = reading
        self._cancel = cancel
        self._leave = leave

    @property
    def id(self) -> str:
        """This client's name for it."""
        return self._reading.id

    @property
    def state(self) -> StreamState:
        """What it is doing: `opening`, `reading`, `reconnecting` or `over`."""
        return self._reading.state

    async def end(self) -> Mapping[str, Any]:
        """How it ended: `status`, `finish`, `error`, `usage`, `timing`, `lastSeq`, `target`, as the protocol names them.

        Comes once every event has arrived, so wait for it behind the loop. Raises SluiceError if the gateway never said.
        """
        return await self._reading.end()

    async def text(self) -> str:
        """The whole text of the answer. Raises SluiceError if it fails, also halfway."""
        return "".join([event.text async for event in self])

    def cancel(self) -> None:
        """Ends it and closes the provider's connection. The loop ends, and `end` says what was used."""
        self._cancel()

    def save(self) -> dict[str, Any]:
        """Where it is: give it to `restore` to read on after the last event that the loop has handled. JSON."""
        return self._reading.save()

    def leave(self) -> None:
        """What leaving the loop does: cancels or detaches, as `leave` of `open` says. Nothing once it is over."""
        self._reading.done()
        if self._reading.outcome is None:
            self._leave()

    def __aiter__(self) -> AsyncIterator[StreamEvent[Data]]:
        """Each event once, in order. Asking for the next one says that the last one is handled."""
        return _Loop(self, self._reading)

    async def __aenter__(self) -> SluiceStream[Data]:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()


class _Loop(Generic[Data]):
    """A loop tells nobody that it was left, so this hears it when nothing holds it any more."""

    def __init__(self, stream: SluiceStream[Data], reading: Reading) -> None:
        self._is_in = False
        self._stream = stream
        self._reading = reading
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> _Loop[Data]:
        return self

    async def __anext__(self) -> StreamEvent[Data]:
        reading = self._reading
        reading.done()
        while True:
            event = None if reading.is_cancelled else reading.take()
            if event:
                self._is_in = True
                return event
            if reading.is_cancelled or reading.outcome is not None:
                self._is_in = False
                _check(reading)
                raise StopAsyncIteration
            try:
                await reading.changed()
            except asyncio.CancelledError:
                self._is_in = False
                self._stream.leave()
                raise

    def __del__(self) -> None:
        if not self._is_in or self._loop.is_closed():
            return
        try:
            is_here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            is_here = False
        # The collector may run in any thread.
        if is_here:
            self._stream.leave()
        else:
            self._loop.call_soon_threadsafe(self._stream.leave)


def _check(reading: Reading) -> None:
    outcome = reading.outcome
    if reading.is_cancelled or outcome is None:
        return
    if isinstance(outcome, SluiceError):
        raise outcome
    if outcome.get("error"):
        raise SluiceError(outcome["error"])
    if outcome["status"] != "completed":
        raise failure("cancelled", "the stream was cancelled elsewhere")
