"""The client against a model of the gateway, under every order of events that a seeded draw makes."""

import asyncio
import random
import unittest

from sluice_client import SluiceStream, connect

from .fake import FakeGateway, ManualClock, turn

RUNS = 500
WINDOW = 5


class Loop:
    """A loop that handles so many events as the test allows."""

    def __init__(self, stream: SluiceStream) -> None:
        self.seqs: list[int] = []
        self._allowed = asyncio.Semaphore(0)
        self.task = asyncio.create_task(self._run(stream))

    def allow(self, events: int) -> None:
        for _ in range(events):
            self._allowed.release()

    async def _run(self, stream: SluiceStream) -> None:
        async for event in stream:
            self.seqs.append(event.seq)
            await self._allowed.acquire()


class Model(unittest.TestCase):
    def test_every_event_reaches_the_loop_once_and_in_order(self) -> None:
        for seed in range(RUNS):
            with self.subTest(seed=seed):
                asyncio.run(self._run(random.Random(seed)))

    async def _run(self, draw: random.Random) -> None:
        clock, gateway = ManualClock(), FakeGateway(WINDOW)
        sluice = connect("ws://gateway.test", clock=clock, dial=gateway.dial)
        loops = [Loop(sluice.open(model="m", body={})) for _ in range(2)]
        await turn()
        for _ in range(draw.randrange(60)):
            step = draw.choice(["write", "handle", "deliver", "flush", "pass", "cut"])
            if step == "write":
                gateway.write(draw.randrange(2), draw.randint(1, 12))
            elif step == "handle":
                loops[draw.randrange(2)].allow(draw.randint(1, 8))
            elif step == "deliver":
                gateway.deliver(draw.randrange(4), draw.randrange(7))
            elif step == "flush":
                gateway.deliver(*draw.choice([(100, 0), (0, 100), (100, 100)]))
            elif step == "pass":
                clock.pass_(draw.choice([0, 10, 100]))
            else:
                gateway.cut()
            await turn()
            if step == "cut":  # The client connects again, and is greeted.
                clock.pass_(0)
                await turn()
                gateway.deliver(0, 1)
        # Nothing more happens to it: it must come to its end by itself.
        for loop in loops:
            loop.allow(1_000)
        await turn()
        for _ in range(400):
            if all(loop.task.done() for loop in loops):
                break
            if len(gateway.logs) == 2:
                gateway.finish()
            gateway.deliver(100, 100)
            clock.pass_(100)
            await turn()
        self.assertEqual(gateway.faults, [])
        self.assertEqual(len(gateway.logs), 2)
        self.assertEqual([loop.seqs for loop in loops], [list(range(1, log.events + 1)) for log in gateway.logs])
        for loop in loops:
            self.assertIsNone(loop.task.result())
        await sluice.close()
        self.assertEqual(clock.timers, [])
        self.assertEqual(asyncio.all_tasks(), {asyncio.current_task()})
