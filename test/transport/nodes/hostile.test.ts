import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "@jest/globals";
import { listenForNodes } from "../../../src/transport/nodes/node-listener.ts";
import { readPreamble } from "../../../src/transport/nodes/preamble.ts";
import { startFaceServer } from "../../support/gateways/face-server.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { dial, listenAndNote, own, SECRET, setUp } from "../../support/nodes/forwarding-nodes.ts";
import { oddRedis } from "../../support/stores/odd-redis.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** How many files and sockets this process has open. */
const open = (): number => readdirSync("/proc/self/fd").length;

/** Sends bytes and resolves with all that comes back. */
async function say(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const broken = once(socket, "error").then(() => "");
  socket.write(bytes, "latin1");
  return Promise.race([text(socket.setEncoding("latin1")), broken]);
}

const portOf = ({ url }: { readonly url: string }): number => Number(new URL(url).port);

describe("a request that is passed on", () => {
  test.each([
    "trailer: x",
    "te: trailers",
    "proxy-connection: keep-alive",
    "keep-alive: timeout=5",
    "upgrade: h2c",
    "connection: host",
    "expect: 100-continue",
    "date: never",
    "x-odd: \xff\x80\t!",
    "x-forwarded-for: 203.0.113.9",
    `x: ${"x".repeat(7_000)}`,
  ])("with another field is answered as its own node would", async (field) => {
    await using up = await setUp();
    const head = `GET /x HTTP/1.1\r\nhost: localhost\r\n${field}\r\nconnection: close\r\n\r\n`;
    const [passedOn, own] = await Promise.all([say(portOf(up.follower), head), say(portOf(up.leader), head)]);
    expect([passedOn.slice(9, 12), passedOn.slice(-9)]).toEqual([own.slice(9, 12), own.slice(-9)]);
    expect([...up.follower.faults, ...up.leader.faults]).toEqual([]);
  });

  test.each(["OPTIONS", "TRACE", "M-SEARCH", "DELETE"])("by %s is answered", async (method) => {
    await using up = await setUp();
    const answer = await say(
      portOf(up.follower),
      `${method} /x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});

const FIRST = `SLUICE ${SECRET} 203.0.113.7\r\n`;
const REQUEST = "GET /x HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 198.51.100.9\r\nconnection: close\r\n\r\n";

describe("the port for other nodes", () => {
  test("takes the first line cut anywhere, with what follows it, and no word of the client about its address", async () => {
    await using up = await setUp();
    for (let cut = 1; cut <= FIRST.length + 3; cut++) {
      const socket = connect({ port: up.leader.nodePort ?? 0, host: "127.0.0.1", noDelay: true });
      const answer = text(socket);
      socket.write((FIRST + REQUEST).slice(0, cut));
      await turn();
      socket.write((FIRST + REQUEST).slice(cut));
      expect(await answer).toMatch(/\r\n\r\n203\.0\.113\.7$/);
    }
  });

  test("gives everything back that a node leaves which is reset at any byte", async () => {
    await using up = await setUp();
    await say(up.leader.nodePort ?? 0, FIRST + REQUEST);
    const before = open();
    for (let sent = 0; sent <= FIRST.length + REQUEST.length; sent++) {
      const socket = connect(up.leader.nodePort ?? 0, "127.0.0.1");
      await once(socket, "connect");
      if (sent > 0) await new Promise((done) => socket.write((FIRST + REQUEST).slice(0, sent), done));
      socket.resetAndDestroy();
    }
    await turnsUntil(() => open() <= before);
    expect(await say(up.leader.nodePort ?? 0, FIRST + REQUEST)).toMatch(/203\.0\.113\.7$/);
    expect(up.leader.faults).toEqual([]);
  });

  test("waits for a first line no longer because its bytes come one by one", async () => {
    const listener = await listenForNodes({ ...own(), firstLineMs: 100, accept: (socket) => socket.destroy() });
    const socket = connect({ port: listener.port, host: "127.0.0.1", noDelay: true });
    let sent = 0;
    const drip = setInterval(() => socket.write(FIRST.charAt(sent++)), 20);
    await new Promise((closed) => socket.on("error", () => {}).once("close", closed));
    clearInterval(drip);
    expect(sent).toBeLessThan(FIRST.length / 2);
    listener.close();
  });

  test("holds no more than 256 connections of strangers and their 256 bytes, and lets a node in between them", async () => {
    const { listener, seen } = await listenAndNote();
    const before = open();
    const strangers = Array.from({ length: 600 }, () => connect(listener.port, "127.0.0.1"));
    for (const socket of strangers) socket.on("error", () => {}).write("S".repeat(255));
    const isGone = (socket: (typeof strangers)[number]) => socket.destroyed || socket.readableEnded;
    for (const socket of strangers) socket.resume();
    await turnsUntil(() => strangers.filter(isGone).length >= 600 - 256);
    await say(listener.port, FIRST);
    expect(seen).toEqual(["203.0.113.7"]);
    listener.close();
    await turnsUntil(() => open() < before);
  });

  test("reads no first line but a whole one with the whole secret", () => {
    expect(readPreamble(FIRST.slice(0, -1), SECRET)).toBe("203.0.113.7");
    for (let at = 0; at < FIRST.length - 2; at++) {
      const changed = [...FIRST.trimEnd()];
      changed[at] = changed[at] === "0" ? "\0" : "\u00e9";
      expect(readPreamble(changed.join(""), SECRET)).toBeUndefined();
      if (at < `SLUICE ${SECRET} `.length) expect(readPreamble(FIRST.slice(0, at), SECRET)).toBeUndefined();
    }
  });
});

describe("a node that serves and breaks", () => {
  const HEAD = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";

  test.each([
    ["nothing", "", 503],
    ["half a head", HEAD.slice(0, 20), 503],
    ["no HTTP", "what?\r\n\r\n", 503],
    [
      "an upgrade that nobody asked for",
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
      503,
    ],
    ["an endless head", `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(20_000)}`, 503],
    ["half a body", `${HEAD}ab`, "broken"],
  ])("after %s is told to its clients, and leaves nothing open", async (_what, answer, wanted) => {
    await using node = await oddRedis((socket) => {
      socket.on("data", (bytes) => {
        if (!String(bytes).includes("GET ")) return;
        socket.write(answer, () => setTimeout(() => socket.resetAndDestroy(), 20));
      });
    });
    await using follower = await startFaceServer({ neighbours: { address: own(), elsewhere: () => own(node.port) } });
    const page = await fetch(`${follower.url}/x`);
    const got = page.status === 200 ? await page.text().catch(() => "broken") : page.status;
    expect(got).toBe(wanted);
    const ws = dial(follower.url);
    await new Promise((closed) => ws.on("error", () => {}).once("close", closed));
    await turnsUntil(() => node.connections === 0 && follower.forwarded === 0);
    expect(follower.faults).toEqual([]);
  });
});
