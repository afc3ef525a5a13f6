import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { Page } from "../../../src/transport/http/page.ts";
import { type FaceServerOptions, startFaceServer } from "../../support/gateways/face-server.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";

/** More than the kernel's buffers of a connection take. */
const LARGE = Buffer.alloc(16 * 1_048_576, "x");

/** A server whose pages are `answer`, and how many of them were asked for and are over. */
async function setUp(answer: (path: string) => Page | Promise<Page>, options: FaceServerOptions = {}) {
  const seen = { asked: 0, over: 0 };
  const server = await startFaceServer({
    ...options,
    page({ path }) {
      seen.asked++;
      return Promise.resolve(answer(path)).then((page) => ({ ...page, over: () => void seen.over++ }));
    },
  });
  const sockets: Socket[] = [];
  return {
    seen,
    server,
    /** Asks for pages, all at once, and reads nothing. */
    ask(...paths: string[]): Socket {
      const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
      sockets.push(socket);
      socket.on("error", () => {}).pause();
      socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`).join(""));
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await server.close();
    },
  };
}

const page = (body: string | Buffer): Page => ({ status: 200, headers: {}, body });

test("a socket is sent one page at a time, whatever it has asked for, and all of them in order", async () => {
  await using up = await setUp((path) => page(path === "/large" ? LARGE : `the page ${path}`));
  const socket = up.ask("/large", "/2", "/3");
  await turnsUntil(() => up.seen.asked > 0);
  for (let turn = 0; turn < 50; turn++) await setImmediate();
  expect(up.seen).toEqual({ asked: 1, over: 0 });
  let tail = "";
  socket.on("data", (chunk: Buffer) => {
    tail = (tail + chunk.toString("latin1")).slice(-1_000);
  });
  socket.resume();
  await turnsUntil(() => tail.endsWith("the page /3"));
  expect(tail.indexOf("the page /2")).toBeGreaterThan(-1);
  await turnsUntil(() => up.seen.over === 3);
  expect(up.seen).toEqual({ asked: 3, over: 3 });
});

test("a page is over when its client has gone, before or while it is sent", async () => {
  const asked = Promise.withResolvers<void>();
  const late = Promise.withResolvers<Page>();
  await using up = await setUp((path) => {
    if (path === "/large") return page(LARGE);
    asked.resolve();
    return late.promise;
  });
  const reading = up.ask("/large");
  await once(reading, "readable");
  reading.destroy();
  await turnsUntil(() => up.seen.over === 1);
  const waiting = up.ask("/late");
  await asked.promise;
  waiting.destroy();
  await turnsUntil(() => up.seen.over === 1);
  for (let turn = 0; turn < 50; turn++) await setImmediate();
  late.resolve(page("late"));
  await turnsUntil(() => up.seen.over === 2);
  expect(up.server.faults).toEqual([]);
});

test("a client that takes nothing of its page for as long as one may leave a ping unanswered is closed", async () => {
  await using up = await setUp(() => page(LARGE), { limits: { pingMs: 20, pongMs: 30 } });
  const socket = up.ask("/large");
  await turnsUntil(() => up.seen.over === 1);
  socket.resume();
  await once(socket, "close");
  expect(socket.bytesRead).toBeLessThan(LARGE.length);
});
