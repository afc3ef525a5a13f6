"""Time and chance, so that tests can move them."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Callable, Protocol

Stop = Callable[[], object]


def nothing() -> None:
    """Stops nothing."""


class Clock(Protocol):
    """Where the client has its time from, in milliseconds."""

    def now(self) -> float:
        """Monotonic."""

    def after(self, ms: float, run: Callable[[], object]) -> Stop:
        """Runs once after so many milliseconds; the result stops it."""

    def random(self) -> float:
        """From 0 to 1."""


class SystemClock:
    """The time of the machine and its event loop."""

    def now(self) -> float:
        return time.monotonic() * 1_000

    def after(self, ms: float, run: Callable[[], object]) -> Stop:
        return asyncio.get_running_loop().call_later(ms / 1_000, run).cancel

    def random(self) -> float:
        return random.random()


FIRST_MS = 250
MAX_MS = 10_000


def backoff_ms(attempt: int, chance: float) -> float:
    """How long to wait before attempt number `attempt` (from 0): at random up to a bound that doubles."""
    return chance * min(MAX_MS, FIRST_MS * 2.0 ** min(attempt, 10))
