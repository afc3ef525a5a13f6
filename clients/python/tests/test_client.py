"""What the client promises, over sockets that a test holds."""

import asyncio
import json
import unittest
from typing import Any

from websockets.exceptions import ConnectionClosedError, InvalidHandshake

from sluice_client import SluiceError, connect
from sluice_client.clock import backoff_ms
from sluice_client.dialects import text_of
from sluice_client.sockets import Closed, _WebSocket, dial, stream_address

from .fake import FakeSocket, ManualClock, Sockets, turn


def event(stream_id: str, seq: int, data: Any = None) -> dict[str, Any]:
    return {"type": "event", "id": stream_id, "seq": seq, "data": data if data is not None else {}}


def end(stream_id: str, last_seq: int, **more: Any) -> dict[str, Any]:
    return {"type": "end", "id": stream_id, "lastSeq": last_seq, "status": "completed", "usage": {}, "timing": {}, **more}


def sent(socket: FakeSocket, kind: str) -> list[dict[str, Any]]:
    return [frame for frame in socket.sent if frame["type"] == kind]


class Client(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.clock, self.sockets = ManualClock(), Sockets()
        self.sluice = connect("http://gateway.test/below", token="t", clock=self.clock, dial=self.sockets.dial)

    async def asyncTearDown(self) -> None:
        await self.sluice.close()
        self.assertEqual(self.clock.timers, [])
        self.assertEqual(asyncio.all_tasks(), {asyncio.current_task()})

    async def opened(self, **options: Any) -> Any:
        stream = self.sluice.open(model="m", body={}, **options)
        await turn()
        self.sockets.all[-1].emit({"type": "opened", "id": stream.id, "stream": f"s_{stream.id}", "epoch": 1})
        await turn()
        return stream

    def emit(self, *frames: dict[str, Any]) -> None:
        for frame in frames:
            self.sockets.all[-1].emit(frame)

    async def test_an_event_is_handled_when_the_loop_asks_for_the_next_and_received_when_it_arrives(self) -> None:
        stream = await self.opened()
        self.emit(event(stream.id, 1), event(stream.id, 2))
        loop = aiter(stream)
        await anext(loop)
        await turn()
        self.clock.pass_(100)
        await turn()
        self.assertEqual(sent(self.sockets.all[0], "ack")[-1], {"type": "ack", "received": 4, "streams": {}})
        await anext(loop)
        self.clock.pass_(100)
        await turn()
        self.assertEqual(sent(self.sockets.all[0], "ack")[-1]["streams"], {stream.id: 1})

    async def test_an_acknowledgement_is_sent_at_once_after_64_events_or_64_KiB(self) -> None:
        for size, events, due in ((1, 63, 0), (1, 64, 1), (65_536, 1, 1)):
            with self.subTest(size=size, events=events):
                stream = await self.opened()
                self.clock.pass_(200)
                await turn()
                before = len(sent(self.sockets.all[0], "ack"))
                each = [{"seq": seq, "data": "x" * size} for seq in range(1, events + 1)]
                self.emit({"type": "events", "id": stream.id, "events": each}, end(stream.id, events))
                async for _ in stream:
                    pass
                await turn()
                self.assertEqual(len(sent(self.sockets.all[0], "ack")) - before, due)

    async def test_a_second_loop_on_a_stream_is_a_bad_request_and_leaves_the_first_alone(self) -> None:
        stream = await self.opened()
        first = asyncio.create_task(anext(aiter(stream)))
        await turn()
        with self.assertRaises(SluiceError) as raised:
            await anext(aiter(stream))
        self.assertEqual(raised.exception.code, "bad_request")
        self.emit(event(stream.id, 1))
        self.assertEqual((await first).seq, 1)

    async def test_breaking_out_of_the_loop_cancels(self) -> None:
        stream = await self.opened()
        self.emit(event(stream.id, 1), event(stream.id, 2))
        async for _ in stream:
            break
        await turn()
        self.assertEqual(sent(self.sockets.all[0], "cancel"), [{"type": "cancel", "id": stream.id}])

    async def test_an_error_in_the_loop_cancels(self) -> None:
        stream = await self.opened()
        self.emit(event(stream.id, 1))
        with self.assertRaises(ZeroDivisionError):
            async for got in stream:
                got.seq / 0
        await turn()
        self.assertEqual(len(sent(self.sockets.all[0], "cancel")), 1)

    async def test_cancelling_the_task_that_reads_cancels_the_stream_and_leaves_no_task(self) -> None:
        stream = await self.opened()
        task = asyncio.create_task(stream.text())
        await turn()
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        await turn()
        self.assertEqual(len(sent(self.sockets.all[0], "cancel")), 1)

    async def test_leaving_with_detach_closes_the_socket_and_restore_reads_on(self) -> None:
        stream = await self.opened(leave="detach")
        self.emit(event(stream.id, 1), event(stream.id, 2))
        async for got in stream:
            if got.seq == 2:
                break
        await turn()
        self.assertTrue(self.sockets.all[0].is_closed)
        self.assertEqual(sent(self.sockets.all[0], "cancel"), [])
        again = self.sluice.restore(json.loads(json.dumps(stream.save())))
        await turn()
        self.assertEqual(sent(self.sockets.all[1], "resume")[0]["after"], 2)
        again.cancel()

    async def test_leaving_with_detach_beside_another_stream_takes_it_over_on_a_socket_that_is_closed(self) -> None:
        other, stream = await self.opened(), await self.opened(leave="detach")
        async with stream:
            pass
        await turn()
        self.assertEqual([len(self.sockets.all), self.sockets.all[0].is_closed], [2, False])
        self.assertEqual(sent(self.sockets.all[1], "resume")[0]["stream"], f"s_{stream.id}")
        self.emit({"type": "resumed", "id": stream.id, "after": 0})
        await turn()
        self.assertTrue(self.sockets.all[1].is_closed)
        self.assertEqual(other.state, "reading")

    async def test_a_link_in_silence_is_dead_and_its_streams_are_resumed(self) -> None:
        stream = await self.opened()
        self.emit(event(stream.id, 1))
        await anext(loop := aiter(stream))
        self.clock.pass_(44_000)
        self.emit({"type": "tick", "ts": 1})
        await turn()
        self.clock.pass_(44_000)
        await turn()
        self.assertEqual(len(self.sockets.all), 1)
        self.clock.pass_(1_000)
        await turn()
        self.assertEqual(len(self.sockets.all), 2)
        self.assertTrue(self.sockets.all[0].is_closed)
        self.assertEqual(sent(self.sockets.all[1], "resume")[0]["after"], 0)
        self.emit({"type": "resumed", "id": stream.id, "after": 0}, event(stream.id, 1), event(stream.id, 2))
        self.assertEqual((await anext(loop)).seq, 2)

    async def test_a_frame_that_cannot_be_read_ends_the_link_and_its_streams_are_resumed(self) -> None:
        stream = await self.opened()
        self.emit({"type": "events", "id": stream.id})
        await turn()
        self.assertTrue(self.sockets.all[0].is_closed)
        self.clock.pass_(250)
        await turn()
        self.assertEqual(sent(self.sockets.all[1], "resume")[0]["after"], 0)

    async def test_going_away_moves_new_streams_and_leaves_the_running_ones(self) -> None:
        stream = await self.opened()
        self.emit({"type": "going_away", "afterMs": 500})
        await turn()
        self.assertEqual([len(self.sockets.all), self.sluice.state], [1, "waiting"])
        self.clock.pass_(500)
        await turn()
        new = await self.opened()
        self.assertEqual([len(sent(socket, "open")) for socket in self.sockets.all], [1, 1])
        self.sockets.all[0].emit(event(stream.id, 1, {"choices": [{"delta": {"content": "a"}}]}))
        self.sockets.all[0].emit(end(stream.id, 1))
        self.assertEqual(await stream.text(), "a")
        self.assertEqual(new.state, "reading")

    async def test_no_connection_for_the_grace_time_is_client_gone_and_retryable(self) -> None:
        stream = await self.opened()

        async def refuse(*_: object) -> FakeSocket:
            raise OSError("refused")

        self.sluice._connection._dial = refuse
        self.sockets.all[0].die()
        reading = asyncio.create_task(stream.text())
        for _ in range(3):
            await turn()
            self.clock.pass_(60_000)
        # The attempts without a pause of this clock come one a turn.
        while not reading.done():
            await turn()
            self.clock.pass_(1_000)
        error = reading.exception()
        self.assertIsInstance(error, SluiceError)
        self.assertEqual((error.code, error.retryable), ("client_gone", True))

    async def test_a_final_close_code_is_the_error_of_every_stream(self) -> None:
        stream = await self.opened()
        self.sockets.all[0].die(4501)
        with self.assertRaises(SluiceError) as raised:
            await stream.end()
        self.assertEqual((raised.exception.code, raised.exception.retryable), ("unauthorized", False))
        self.assertEqual(len(self.sockets.all), 1)

    async def test_a_stream_that_the_gateway_let_go_of_is_resumed_unless_the_client_is_closed(self) -> None:
        stream = await self.opened()
        self.emit({"type": "detached", "id": stream.id, "code": "internal"})
        await turn()
        self.assertEqual(stream.state, "reconnecting")
        self.clock.pass_(0)
        await turn()
        self.assertEqual(len(sent(self.sockets.all[0], "resume")), 1)
        self.emit({"type": "detached", "id": stream.id, "code": "internal"})
        await turn()
        self.assertEqual(stream.state, "reconnecting")

    async def test_the_first_pause_is_up_to_250_ms_and_each_next_twice_as_long_up_to_10_s(self) -> None:
        self.assertEqual([backoff_ms(attempt, 1) for attempt in (0, 1, 2, 5, 6, 5_000)], [250, 500, 1_000, 8_000, 10_000, 10_000])
        self.assertEqual(backoff_ms(3, 0.5), 1_000)

    async def test_a_gateway_that_is_stopping_is_given_a_second(self) -> None:
        stream = await self.opened()
        self.sockets.all[0].die(1012)
        await turn()
        self.clock.pass_(999)
        await turn()
        self.assertEqual(len(self.sockets.all), 1)
        self.clock.pass_(1)
        await turn()
        self.assertEqual(len(sent(self.sockets.all[1], "resume")), 1)
        stream.cancel()

    async def test_an_open_without_an_answer_is_saved_without_its_key_and_sent_again_with_the_same_one(self) -> None:
        stream = self.sluice.open(model="m", body={"a": 1}, upstream_key="secret")
        await turn()
        self.assertNotIn("secret", json.dumps(self.sluice.save()))
        self.sockets.all[0].die()
        await turn()
        self.clock.pass_(0)
        await turn()
        first, again = (sent(socket, "open")[0] for socket in self.sockets.all)
        self.assertEqual(first, again)
        stream.cancel()

    async def test_a_body_that_is_no_JSON_is_a_bad_request(self) -> None:
        for body in ({"a": float("nan")}, {"a": object()}, {"a": "\ud800"}):
            with self.assertRaises(SluiceError) as raised:
                self.sluice.open(model="m", body=body)
            self.assertEqual(raised.exception.code, "bad_request")

    async def test_a_closed_client_ends_its_loops_with_client_gone(self) -> None:
        stream = await self.opened()
        reading = asyncio.create_task(stream.text())
        await turn()
        await self.sluice.close()
        with self.assertRaises(SluiceError) as raised:
            await reading
        self.assertEqual((raised.exception.code, raised.exception.retryable), ("client_gone", False))


class DyingConnection:
    """As the older interface of the package is, when its connection dies."""

    async def close(self) -> None:
        raise ConnectionClosedError(None, None)

    recv = close


class PackageSockets(unittest.IsolatedAsyncioTestCase):
    async def test_that_die_while_they_are_closed_are_closed(self) -> None:
        socket = _WebSocket(DyingConnection())
        self.assertIsNone(await socket.close())
        with self.assertRaises(Closed) as raised:
            await socket.recv()
        self.assertEqual(raised.exception.code, 1006)


    async def test_do_not_carry_the_token_where_a_redirect_points(self) -> None:
        heard: list[bytes] = []

        def answering(answer: str) -> Any:
            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                heard.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                writer.close()

            return asyncio.start_server(serve, "127.0.0.1", 0)

        async with await answering("401 Unauthorized") as other:
            port = other.sockets[0].getsockname()[1]
            async with await answering(f"302 Found\r\nLocation: ws://127.0.0.1:{port}/v1/stream") as gateway:
                address = f"ws://127.0.0.1:{gateway.sockets[0].getsockname()[1]}/v1/stream"
                with self.assertRaises(InvalidHandshake):
                    await dial(address, ["sluice.v1"], {"Authorization": "Bearer t"})
        self.assertEqual(len(heard), 1)


class Addresses(unittest.TestCase):
    def test_of_the_stream_face_are_below_that_of_the_gateway(self) -> None:
        for url, address in (
            ("http://a:1", "ws://a:1/v1/stream"),
            ("https://a/below/", "wss://a/below/v1/stream"),
            ("ws://a/v1/stream", "ws://a/v1/stream"),
        ):
            self.assertEqual(stream_address(url), address)

    def test_that_cannot_be_are_a_bad_request(self) -> None:
        for url in ("", "a:1", "ftp://a", "/v1/stream", "http://"):
            with self.assertRaises(SluiceError) as raised:
                connect(url)
            self.assertEqual(raised.exception.code, "bad_request")


class Texts(unittest.TestCase):
    def test_are_found_in_every_dialect(self) -> None:
        parts = [{"text": "a"}, {"text": "x", "thought": True}, {"text": "b"}]
        for data, text in (
            ({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}}, "a"),
            ({"type": "response.output_text.delta", "delta": "a"}, "a"),
            ({"choices": [{"delta": {"content": "a"}}]}, "a"),
            ({"choices": []}, ""),
            ({"candidates": [{"content": {"parts": parts}}]}, "ab"),
            ({"type": "content_block_delta", "delta": {"thinking": "x"}}, ""),
            ("[DONE]", ""),
            ({"choices": [{"delta": None}]}, ""),
        ):
            self.assertEqual(text_of(data), text)
