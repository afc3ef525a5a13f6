"""Runs one client against a gateway, for test/clients/python.test.ts: argument 1 says what, standard output what came.

Each event is a line `{"stream", "seq", "text"}`, each stream's end `{"stream", "end"}` or `{"stream", "code"}`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Mapping, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sluice_client import Sluice, SluiceError, SluiceStream, connect  # noqa: E402
from sluice_client.sockets import Closed, Socket, dial  # noqa: E402


class AtOnce:
    """The machine's time; reconnects at once, as a client whose draw is lucky would."""

    def __init__(self) -> None:
        from sluice_client.clock import SystemClock

        own = SystemClock()
        self.now, self.after = own.now, own.after

    def random(self) -> float:
        return 0.0


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


ended: dict[int, asyncio.Event] = {}
"""By stream: set at its end."""


async def read(name: int, stream: SluiceStream[Any], request: dict[str, Any]) -> None:
    try:
        async for event in stream:
            say(stream=name, seq=event.seq, text=event.text)
            if event.seq == request.get("leaveAfter"):
                break
            if event.seq == request.get("stopAfter"):
                if "stopFor" in request:
                    await ended[request["stopFor"]].wait()
                else:
                    await asyncio.sleep(request["stopMs"] / 1_000)
        say(stream=name, end=dict(await stream.end()))
    except SluiceError as error:
        say(stream=name, code=error.code, retryable=error.retryable)
    finally:
        ended[name].set()


async def ask(sluice: Sluice, name: int, request: dict[str, Any]) -> None:
    fields = {key: request[key] for key in ("model", "body", "leave", "away") if key in request}
    stream: SluiceStream[Any] = sluice.open(**fields)
    await read(name, stream, request)
    if request.get("restore"):
        say(stream=name, restored=True)
        await read(name, sluice.restore(json.loads(json.dumps(stream.save()))), {})


class Dying:
    """Dials sockets of which one dies at frame number `at` (from 0, over all), after that is heard or instead."""

    def __init__(self, at: int, is_heard: bool) -> None:
        self.at, self.is_heard = at, is_heard
        self.frames = self.sockets = 0

    async def dial(self, address: str, protocols: Sequence[str], headers: Mapping[str, str]) -> Socket:
        self.sockets += 1
        return DyingSocket(await dial(address, protocols, headers), self)


class DyingSocket:
    def __init__(self, socket: Socket, death: Dying) -> None:
        self._socket, self._death = socket, death
        self._is_dead = False
        self.send, self.close = socket.send, socket.close

    async def recv(self) -> str | bytes:
        if self._is_dead:
            # What the socket had still read is lost.
            raise Closed
        text = await self._socket.recv()
        death = self._death
        death.frames += 1
        if death.frames == death.at + 1:
            self._is_dead = True
            if not death.is_heard:
                raise Closed
        return text


async def main() -> None:
    task = json.loads(sys.argv[1])
    death = Dying(task.get("dieAt", -1), task.get("isHeard", False))
    options = {"clock": AtOnce(), "dial": death.dial, **task.get("options", {})}
    ended.update((name, asyncio.Event()) for name in range(len(task["requests"])))
    async with connect(task["url"], token=task.get("token"), **options) as sluice:
        await asyncio.gather(*(ask(sluice, name, request) for name, request in enumerate(task["requests"])))
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if death.at >= 0:
        say(sockets=death.sockets)
    say(tasksLeft=len(left))


asyncio.run(main())
