"""The way to the gateway: one link for new streams, and those that a stopping gateway still serves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Awaitable, Callable, Literal, Protocol, Union

from .clock import Clock, Stop, backoff_ms, nothing
from .errors import SluiceError, failure, final_error, pause_after
from .link import Frame, Link
from .sockets import CLOSE_S, Dial, Socket

ConnectionState = Literal["idle", "connecting", "open", "waiting"]
#: A value, or how to get it. A function is called for each connection.
Source = Union[str, Callable[[], Union[str, Awaitable[str]]]]


class User(Protocol):
    """Who uses a connection."""

    def is_wanted(self) -> bool:
        """Whether a stream needs a connection. Gives up those that have waited too long for one."""

    def ready(self) -> None: ...

    def frame(self, frame: Frame, size: int, link: Link) -> None: ...

    def lost(self, link: Link) -> None: ...

    def failed(self, error: SluiceError) -> None:
        """The gateway is not to be called again."""


@dataclass
class Credentials:
    """What a connection shows the gateway: a token or gateway key, a one-time ticket, or nothing."""

    token: Source | None
    ticket: Source | None
    _is_used: bool = False

    async def shown(self) -> tuple[list[str], dict[str, str]]:
        """Subprotocols and headers of the next connection. Raises `unauthorized` if the only ticket is used."""
        if self.ticket is not None:
            if isinstance(self.ticket, str) and self._is_used:
                raise failure("unauthorized", "the ticket is used; give a function that gets one for each connection")
            self._is_used = True
            return ["sluice.v1", f"ticket.sluice.{await _read(self.ticket)}"], {}
        token = await _read(self.token) if self.token else ""
        return ["sluice.v1"], {"Authorization": f"Bearer {token}"} if token else {}


async def _read(source: Source) -> str:
    value = source if isinstance(source, str) else source()
    return value if isinstance(value, str) else await value


class Connection:
    """Connects while a stream needs it, with backoff."""

    def __init__(
        self, address: str, credentials: Credentials, dial: Dial, clock: Clock, timeouts: tuple[float, float], user: User
    ) -> None:
        self.state: ConnectionState = "idle"
        #: Whether there ever was a connection.
        self.was_open = False
        self._address, self._credentials, self._dial = address, credentials, dial
        self._clock, self._timeouts, self._user = clock, timeouts, user
        self._links: set[Link] = set()
        # Those of closed links, too, until their sockets are.
        self._tasks: set[asyncio.Task[None]] = set()
        # The link of now, or the one on its way.
        self._current: Link | None = None
        self._attempt = 0
        self._stop_waiting: Stop = nothing

    @property
    def link(self) -> Link | None:
        """The link for new streams, once the gateway has greeted."""
        return self._current if self._current and self._current.is_ready else None

    def want(self) -> None:
        """Connects, unless that is done or under way."""
        if self.state == "idle":
            self._connect()

    def progressed(self) -> None:
        """A stream went on: what follows is a new failure, not the next one."""
        self._attempt = 0

    def leave(self, link: Link, after_ms: float) -> None:
        """The gateway of this link is stopping: its streams stay while it serves them, new ones go to the next link."""
        if link is self._current:
            self._current = None
            self._wait(after_ms)

    def drop(self, link: Link) -> None:
        """Closes one link."""
        self._links.discard(link)
        link.close()
        if link is self._current:
            self._current = None
            self.state = "idle"

    def aside(self, stream_id: str, text: str) -> None:
        """Another link beside this one for a single request, which is closed at its answer."""

        def close(link: Link, *_: object) -> None:
            self._links.discard(link)
            link.close()

        self._open(
            ready=lambda link: link.request(stream_id, text), frame=lambda _, __, link: close(link), lost=close
        )

    async def close(self) -> None:
        """Closes all links, and waits for their tasks."""
        self._stop_waiting()
        self.state, self._current = "idle", None
        for link in self._links:
            link.close()
        self._links.clear()
        if not self._tasks:
            return
        try:
            await asyncio.wait(self._tasks, timeout=2 * CLOSE_S)
        finally:
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connect(self) -> None:
        self.state = "connecting"
        self._current = self._open(ready=self._ready, frame=self._user.frame, lost=self._lost)

    def _open(
        self,
        ready: Callable[[Link], object],
        frame: Callable[[Frame, int, Link], object],
        lost: Callable[[Link, int, str, SluiceError | None], object],
    ) -> Link:
        link = Link(self._dialled, self._clock, *self._timeouts, ready, frame, lost)
        self._links.add(link)
        self._tasks.add(link.task)
        link.task.add_done_callback(self._tasks.discard)
        return link

    async def _dialled(self) -> Socket:
        protocols, headers = await self._credentials.shown()
        return await self._dial(self._address, protocols, headers)

    def _ready(self, _: Link) -> None:
        self.was_open = True
        self.state = "open"
        self._user.ready()

    def _lost(self, link: Link, close_code: int, reason: str, refusal: SluiceError | None) -> None:
        self._links.discard(link)
        was_current = link is self._current
        if was_current:
            self._current = None
        self._user.lost(link)
        # A ticket that was refused may be followed by another.
        is_final = refusal and not refusal.retryable and (isinstance(self._credentials.ticket, (str, type(None))))
        final = refusal if is_final else final_error(close_code, reason)
        if final:
            self._fail(final)
        elif was_current:
            self._wait(pause_after(close_code))
        # The streams of a link that was left go to the one of now.
        elif self.link:
            self._user.ready()
        elif self.state == "idle":
            self._wait(0)

    def _wait(self, least_ms: float) -> None:
        self._stop_waiting()
        if not self._user.is_wanted():
            self.state = "idle"
            return
        self.state = "waiting"
        ms = max(least_ms, backoff_ms(self._attempt, self._clock.random()))
        self._attempt += 1
        self._stop_waiting = self._clock.after(ms, self._connect)

    def _fail(self, error: SluiceError) -> None:
        self._stop_waiting()
        if not self._current:
            self.state = "idle"
        self._user.failed(error)
