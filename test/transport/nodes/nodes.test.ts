import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "@jest/globals";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { startFaceServer } from "../../support/gateways/face-server.ts";
import { dial, neighboursAt, SECRET, setUp } from "../../support/nodes/forwarding-nodes.ts";

test("a client that another node serves talks to it as to its own", async () => {
  await using up = await setUp();
  const ws = dial(up.follower.url);
  await once(ws, "open");
  const session = await up.leader.session();
  expect(session.connection).toMatchObject({ remoteAddress: "127.0.0.1", caller: { name: "alice" } });
  const large = "x".repeat(900_000);
  ws.send(large);
  await session.until(() => session.messages.length === 1);
  expect(session.messages).toEqual([large]);
  const got = once(ws, "message");
  session.connection.send(large);
  expect(String((await got)[0])).toBe(large);
  expect(up.follower.connectionsByFace.get("played")).toBe(0);
  const closed = once(ws, "close");
  session.connection.close(4_000, "enough");
  expect((await closed)[0]).toBe(4_000);
});

test("a request that another node answers comes back as it is", async () => {
  await using up = await setUp();
  const answer = await fetch(`${up.follower.url}/some/page?a=b`);
  expect([answer.status, answer.headers.get("x-seen"), await answer.text()]).toEqual([200, "/some/page", "127.0.0.1"]);
});

test("a forwarded client has its own address there, whatever the node's is", async () => {
  await using up = await setUp();
  const socket = connect(up.leader.nodePort ?? 0, "127.0.0.1");
  socket.write(`SLUICE ${SECRET} 203.0.113.7\r\nGET /x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  expect(await text(socket)).toMatch(/\r\n\r\n203\.0\.113\.7$/);
});

test.each([
  ["a wrong secret", `SLUICE ${"b2".repeat(32)} 203.0.113.7\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n`],
  ["no first line", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"],
  ["an endless first line", "S".repeat(1_000)],
  ["an address with a line break", `SLUICE ${SECRET} 203.0.113.7\rGET / HTTP/1.1\r\n\r\n`],
])("a connection with %s is closed without a word", async (_what, first) => {
  await using up = await setUp();
  const socket = connect(up.leader.nodePort ?? 0, "127.0.0.1");
  socket.on("error", () => {});
  const closed = once(socket, "close");
  let said = "";
  socket.on("data", (bytes) => {
    said += bytes;
  });
  socket.write(first);
  await closed;
  expect(said).toBe("");
});

test("a client whose node cannot be reached is told to come again", async () => {
  await using up = await setUp();
  await up.leader.close();
  const ws = dial(up.follower.url);
  ws.on("error", () => {});
  const [, refusal] = await once(ws, "unexpected-response");
  expect(refusal.statusCode).toBe(503);
  expect(JSON.parse(await text(refusal))).toMatchObject({ error: { code: "cluster_unavailable", retryable: true } });
  const answer = await fetch(`${up.follower.url}/some/page`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ error: { code: "cluster_unavailable" } });
});

test("while no node serves a path its clients are told to come again", async () => {
  const nobody = () => {
    throw new GatewayError("cluster_unavailable", "nobody");
  };
  await using server = await startFaceServer({ neighbours: neighboursAt(nobody) });
  const ws = dial(server.url);
  ws.on("error", () => {});
  const [, refusal] = await once(ws, "unexpected-response");
  expect(refusal.statusCode).toBe(503);
  expect((await fetch(server.url)).status).toBe(503);
  expect(server.refusals.map(({ code }) => code)).toEqual(["cluster_unavailable", "cluster_unavailable"]);
});

test("the death of the node that serves a client ends its socket, and its own leaving there, too", async () => {
  await using up = await setUp();
  const ws = dial(up.follower.url);
  await once(ws, "open");
  const session = await up.leader.session();
  ws.terminate();
  expect(await session.closed).toBe("client_gone");
  const other = dial(up.follower.url);
  await once(other, "open");
  const closed = once(other, "close");
  await up.leader.close();
  await closed;
});
