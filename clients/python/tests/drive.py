"""Runs one client against a gateway, for test/clients/python.test.ts: argument 1 says what, standard output what came.

Each event is a line `{"stream", "seq", "text"}`, each stream's end `{"stream", "end"}` or `{"stream", "code"}`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sluice_client import Sluice, SluiceError, SluiceStream, connect  # noqa: E402


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


async def read(name: int, stream: SluiceStream[Any], request: dict[str, Any]) -> None:
    try:
        async for event in stream:
            say(stream=name, seq=event.seq, text=event.text)
            if event.seq == request.get("leaveAfter"):
                break
            if event.seq == request.get("stopAfter"):
                await asyncio.sleep(request["stopMs"] / 1_000)
        say(stream=name, end=dict(await stream.end()))
    except SluiceError as error:
        say(stream=name, code=error.code, retryable=error.retryable)


async def ask(sluice: Sluice, name: int, request: dict[str, Any]) -> None:
    fields = {key: request[key] for key in ("model", "body", "leave", "away") if key in request}
    stream: SluiceStream[Any] = sluice.open(**fields)
    await read(name, stream, request)
    if request.get("restore"):
        say(stream=name, restored=True)
        await read(name, sluice.restore(json.loads(json.dumps(stream.save()))), {})


async def main() -> None:
    task = json.loads(sys.argv[1])
    async with connect(task["url"], token=task.get("token"), clock=AtOnce(), **task.get("options", {})) as sluice:
        await asyncio.gather(*(ask(sluice, name, request) for name, request in enumerate(task["requests"])))
    left = asyncio.all_tasks() - {asyncio.current_task()}
    say(tasksLeft=len(left))


asyncio.run(main())
