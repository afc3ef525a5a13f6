"""The conversations of protocol/vectors, with the client on its side of each."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import unittest
from pathlib import Path
from typing import Any

from sluice_client import SluiceError, SluiceStream, connect

from .fake import LIMITS, ManualClock, Sockets, turn

FOLDER = Path(__file__).resolve().parents[3] / "protocol" / "vectors"
#: Values for what a vector leaves open.
ANY = {"connection": "c_1", "limits": LIMITS, "usage": {"source": "unknown"}, "timing": {"totalMs": 1}, "stream": "s_1"}


def filled(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: filled(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each) for each in value]
    return ANY.get(key, 1) if value == "*" else "s_1" if value == "$stream" else value


class Reader:
    """What the loop of a stream gets."""

    def __init__(self, stream: SluiceStream[Any], request: dict[str, Any]) -> None:
        self.stream, self.id = stream, stream.id
        self.request = {**request, "id": None}
        self.events: list[dict[str, Any]] = []
        self.outcome = ""
        self.is_cancelled = False
        #: What the vector sends it.
        self.heard: list[dict[str, Any]] = []
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for event in self.stream:
                got = dataclasses.asdict(event)
                del got["text"]
                self.events.append(got)
            self.outcome = "over"
        except SluiceError as error:
            self.outcome = error.code

    def shown(self) -> tuple[list[dict[str, Any]], str]:
        """The events and the outcome that the vector shows."""
        events, outcome, dialect = {}, "", None
        for frame in self.heard:
            dialect = frame.get("dialect", dialect)
            for each in frame.get("events") or ([frame] if frame["type"] == "event" else []):
                events[each["seq"]] = {
                    "seq": each["seq"],
                    "name": each.get("event"),
                    "data": each["data"],
                    "raw": each.get("raw", False),
                    "dialect": dialect,
                }
            if frame["type"] in ("error", "end"):
                outcome = "over" if self.is_cancelled else frame.get("error", {}).get("code", "over")
            if frame["type"] == "detached":
                outcome = frame["code"]
        return list(events.values()), outcome


class Vectors(unittest.TestCase):
    def test_the_loops_get_what_they_show_and_the_client_says_what_it_does(self) -> None:
        names = sorted(FOLDER.glob("*.jsonl"))
        self.assertGreater(len(names), 10)
        for name in names:
            with self.subTest(name.name):
                steps = [json.loads(line) for line in name.read_text().splitlines() if line]
                self.assertGreater(asyncio.run(self._play(steps)), 0)

    async def _play(self, steps: list[dict[str, Any]]) -> int:
        """Returns how many of the client's frames were compared with the vector's."""
        hello = next(step["expect"] for step in steps if step.get("expect", {}).get("type") == "hello")
        clock, sockets = ManualClock(), Sockets(filled(hello))
        sluice = connect("ws://gateway.test", clock=clock, dial=sockets.dial)
        readers: dict[str, Reader] = {}
        every: list[Reader] = []
        cuts = checked = 0
        # Where the vector sends an open again, the answer to the first was lost with its socket.
        is_lost = any(_sent(step).get("type") == "open" and step.get("socket") == 2 for step in steps)
        for step in steps:
            at = step.get("socket", 1)
            if at > cuts + 1:
                continue  # Without a cut, the second socket is another client's.
            frame = filled(_sent(step))
            kind, stream_id = frame.get("type"), frame.get("id")
            known = readers.get(stream_id or "")
            first = every[0] if every and not every[0].outcome else None
            if kind == "open" and _is_whole(frame) and (known is None or known.outcome):
                if at > 1 and first and first.request == {**frame, "id": None}:
                    readers[stream_id] = first  # The client opens it again by itself.
                else:
                    options = {key: frame[key] for key in ("model", "route", "body", "bodies", "away") if key in frame}
                    key = frame.get("idempotencyKey")
                    readers[stream_id] = Reader(sluice.open(**options, idempotency_key=key), frame)
                    every.append(readers[stream_id])
            elif kind == "cancel" and known:
                known.is_cancelled = known.is_cancelled or not known.outcome
                known.stream.cancel()
            elif kind == "resume":
                if cuts and first:
                    readers[stream_id] = first
                else:
                    place = {key: frame[key] for key in ("stream", "epoch", "after")}
                    readers[stream_id] = Reader(sluice.restore({"id": f"restored-{len(every)}", **place}), frame)
                    every.append(readers[stream_id])
            await turn()
            reader = readers.get(stream_id or "")
            is_own = kind in ("resume", "cancel") or _is_whole(frame)
            if reader and is_own and at <= len(sockets.all):
                said = [each for each in sockets.all[at - 1].sent if (each["type"], each.get("id")) == (kind, reader.id)]
                if said:
                    wanted = {key: frame[key] for key in frame if key not in ("flow", "id")}
                    self.assertEqual({**said[-1], **wanted}, said[-1])
                    checked += 1
            if "expect" in step:
                full = filled(step["expect"])
                reader = readers.get(str(full.get("id")))
                # Not a refusal of what this client does not send.
                is_other = full["type"] == "error" and reader is not None and reader.stream.state in ("reading", "over")
                if reader and not is_other and not (is_lost and at == 1):
                    reader.heard.append(full)
                    sockets.all[at - 1].emit({**full, "id": reader.id})
                await turn()
            if "cut" in step or "closed" in step:
                cuts += "cut" in step
                if at <= len(sockets.all):
                    sockets.all[at - 1].die(step.get("closed", 1006))
                await turn()
                clock.pass_(0)
                await turn()
        for reader in every:
            self.assertEqual((reader.events, reader.outcome), reader.shown())
        await sluice.close()
        await asyncio.gather(*(reader.task for reader in every))
        return checked


def _sent(step: dict[str, Any]) -> dict[str, Any]:
    frame = step.get("send")
    return frame if isinstance(frame, dict) else {}


def _is_whole(frame: dict[str, Any]) -> bool:
    """Whether it is a request that a client can make; the refusals show others."""
    known = {"type", "id", "model", "route", "body", "bodies", "dialect", "away", "batch", "flow", "idempotencyKey"}
    return "id" in frame and ("body" in frame or "bodies" in frame) and set(frame) <= known
