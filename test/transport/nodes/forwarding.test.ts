import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { Forwarder } from "../../../src/transport/nodes/forwarder.ts";
import { startFaceServer } from "../../support/gateways/face-server.ts";
import { within } from "../../support/jest/not-late.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { dial, listenAndNote, neighboursAt, own, SECRET, setUp } from "../../support/nodes/forwarding-nodes.ts";
import { oddRedis } from "../../support/stores/odd-redis.ts";

test("a client is checked by the rules of the node it came to, and by these alone", async () => {
  await using up = await setUp();
  const refused = async (headers: Record<string, string>) => {
    const ws = new WebSocket(`${up.follower.url.replace(/^http/, "ws")}/played`, "played", { headers });
    ws.on("error", () => {});
    const [, refusal] = await once(ws, "unexpected-response");
    return JSON.parse(await text(refusal)).error.code;
  };
  expect(await refused({ host: "evil.example.com" })).toBe("host_not_allowed");
  expect(await refused({ origin: "https://evil.example.com" })).toBe("origin_not_allowed");
  const socket = connect(up.leader.nodePort ?? 0, "127.0.0.1");
  socket.write(`SLUICE ${SECRET} 203.0.113.7\r\nGET /x HTTP/1.1\r\nhost: its.own.name\r\nconnection: close\r\n\r\n`);
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /);
});

test("a forwarded client counts against the limits of its own address", () =>
  within(500, async () => {
    await using up = await setUp();
    const statuses: string[] = [];
    for (const address of ["203.0.113.7", "203.0.113.7", "203.0.113.7", "203.0.113.8"]) {
      const socket = connect(up.leader.nodePort ?? 0, "127.0.0.1");
      socket.write(
        `SLUICE ${SECRET} ${address}\r\nGET /played HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
          "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: played\r\n\r\n",
      );
      const [answer] = await once(socket, "data");
      statuses.push(String(answer).slice(9, 12));
      socket.destroy();
    }
    expect(statuses).toEqual(["101", "101", "429", "101"]);
  }));

test.each(["/base", ""])(
  "a prefix is left to the node that serves, also when the path repeats it (prefix: %s)",
  async (prefix) => {
    await using up = await setUp({ basePath: "/base" });
    const answer = await fetch(`${up.follower.url}${prefix}/base/page`);
    expect(answer.headers.get("x-seen")).toBe(prefix === "" ? "/page" : "/base/page");
  },
);

test("the body of a forwarded request is left out, and its client is answered all the same", async () => {
  await using up = await setUp();
  const answer = await fetch(`${up.follower.url}/some/page`, { method: "POST", body: "x".repeat(100_000) });
  expect([answer.status, await answer.text()]).toEqual([200, "127.0.0.1"]);
});

test("an answer keeps its fields, also those that come twice, and one without a body", async () => {
  await using up = await setUp();
  const head = await fetch(`${up.follower.url}/some/page`, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), head.headers.get("x-seen")]).toEqual([
    200,
    "9",
    "/some/page",
  ]);
});

test("requests sent one behind the other on a connection are passed on one after the other", async () => {
  await using up = await setUp();
  const socket = connect(Number(new URL(up.follower.url).port), "127.0.0.1");
  const one = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${more}\r\n`;
  socket.write(one("/first") + one("/second") + one("/third", "connection: close\r\n"));
  const seen = [...(await text(socket)).matchAll(/x-seen: (.*)\r/gi)].map(([, path]) => path);
  expect(seen).toEqual(["/first", "/second", "/third"]);
});

test("clients are let go as soon as their node no longer serves them, though it closes nothing", async () => {
  await using up = await setUp();
  const ws = dial(up.follower.url);
  await once(ws, "open");
  expect(up.follower.forwarded).toBe(1);
  const closed = once(ws, "close");
  up.ended.abort();
  await closed;
  await turnsUntil(() => up.follower.forwarded === 0);
  expect((await fetch(`${up.follower.url}/some/page`)).status).toBe(503);
});

test("a client whose node is silent is refused once it no longer serves", async () => {
  await using silent = await oddRedis(() => {});
  const ended = new AbortController();
  const to = { ...own(silent.port), ended: ended.signal };
  await using follower = await startFaceServer({ neighbours: neighboursAt(() => to) });
  const ws = dial(follower.url);
  ws.on("error", () => {});
  const refused = once(ws, "unexpected-response");
  const page = fetch(`${follower.url}/some/page`);
  await turnsUntil(() => silent.connections >= 2);
  ended.abort();
  const [, refusal] = await refused;
  expect([refusal.statusCode, (await page).status]).toEqual([503, 503]);
});

test("a client is not passed on a second time", async () => {
  await using last = await startFaceServer({ neighbours: neighboursAt(() => undefined) });
  await using middle = await startFaceServer({ neighbours: neighboursAt(() => own(last.nodePort)) });
  await using first = await startFaceServer({ neighbours: neighboursAt(() => own(middle.nodePort)) });
  expect((await fetch(`${first.url}/page`)).status).toBe(503);
  const ws = dial(first.url);
  ws.on("error", () => {});
  const [, refusal] = await once(ws, "unexpected-response");
  expect(refusal.statusCode).toBe(503);
});

test("a node that stops passes no further clients on, and keeps those it has until it closes", async () => {
  await using up = await setUp();
  const ws = dial(up.follower.url);
  await once(ws, "open");
  const session = await up.leader.session();
  up.follower.drain();
  const late = dial(up.follower.url);
  late.on("error", () => {});
  const [, refusal] = await once(late, "unexpected-response");
  expect(JSON.parse(await text(refusal))).toMatchObject({ error: { code: "shutting_down" } });
  const got = once(ws, "message");
  session.connection.send("still here");
  expect(String((await got)[0])).toBe("still here");
  const closed = once(ws, "close");
  await up.follower.close();
  await closed;
});

test("what the node sent last still reaches a client that takes it late", async () => {
  await using node = await oddRedis((socket) => socket.resume().end("HTTP/1.1 101 the last bytes"));
  const taken: string[] = [];
  const takes: (() => void)[] = [];
  const client = new Duplex({
    read() {},
    write(bytes, _, done) {
      taken.push(String(bytes));
      takes.push(done);
    },
  });
  const request = { method: "GET", rawHeaders: [] } as unknown as IncomingMessage;
  new Forwarder().upgrade(request, client, Buffer.of(), { clientAddress: "", asked: "/" }, own(node.port), () => {});
  client.once("error", () => {});
  await turnsUntil(() => takes.length > 0 && node.connections === 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect([client.destroyed, taken]).toEqual([false, ["HTTP/1.1 101 the last bytes"]]);
  const finished = once(client, "finish");
  for (const take of takes) take();
  await finished;
  client.destroy();
});

test("strangers that send no first line displace each other, not the nodes", async () => {
  const { listener, seen } = await listenAndNote();
  const open = () => {
    const socket = connect(listener.port, "127.0.0.1");
    socket.on("error", () => {});
    return { socket, closed: once(socket, "close") };
  };
  const first = open();
  const others = Array.from({ length: 256 }, open);
  await first.closed;
  const node = open();
  node.socket.write(`SLUICE ${SECRET} 203.0.113.7\r\n`);
  await node.closed;
  expect(seen).toEqual(["203.0.113.7"]);
  listener.close();
  await Promise.all(others.map(({ closed }) => closed));
});

test("a port that is taken is named by the setting that chose it", async () => {
  await using taken = await oddRedis(() => {});
  const start = startFaceServer({ neighbours: neighboursAt(() => undefined, 0, taken.port) });
  await expect(start).rejects.toMatchObject({
    message: expect.stringMatching(/^cluster\.listen: .* 127\.0\.0\.1 port \d+: the port is in use/),
  });
});
