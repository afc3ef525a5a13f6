import { getEventListeners, once } from "node:events";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { ServingNode } from "../../../src/transport/nodes/preamble.ts";
import { startFaceServer } from "../../support/gateways/face-server.ts";
import { freePort } from "../../support/network/free-port.ts";
import { dial, neighboursAt, own } from "../../support/nodes/forwarding-nodes.ts";
import { oddRedis } from "../../support/stores/odd-redis.ts";

/** Longer than any test. */
const LONG_MS = 1_000_000;

/** A node that learns who serves its clients only later; `known` says that it has. */
async function follower(waitMs = LONG_MS) {
  const lead: { node: ServingNode | "here" | "unknown" } = { node: "unknown" };
  let next = Promise.withResolvers<void>();
  const waits: string[] = [];
  const elsewhere = () => {
    if (lead.node === "unknown") throw new GatewayError("cluster_unavailable", "nobody");
    return lead.node === "here" ? undefined : lead.node;
  };
  const server = await startFaceServer({
    page: ({ path }) => ({ status: 200, headers: {}, body: `here ${path}` }),
    neighbours: {
      ...neighboursAt(elsewhere, waitMs),
      untilKnown(path) {
        if (lead.node !== "unknown") return undefined;
        waits.push(path);
        return next.promise;
      },
    },
  });
  const known = (node: ServingNode | "here" | "unknown") => {
    lead.node = node;
    next.resolve();
    next = Promise.withResolvers();
  };
  const waiting = async (count: number) => {
    while (waits.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  return { server, known, waiting, waits };
}
const leaderServer = () =>
  startFaceServer({
    page: () => ({ status: 200, headers: {}, body: "there" }),
    neighbours: neighboursAt(() => undefined),
  });

let up: Awaited<ReturnType<typeof follower>>;
beforeEach(async () => {
  up = await follower();
});
afterEach(() => up.server.close());

test("clients that come while nobody knows who serves them are passed on as soon as somebody does", async () => {
  await using leader = await leaderServer();
  const ws = dial(up.server.url);
  const page = fetch(`${up.server.url}/page`);
  await up.waiting(2);
  up.known(own(leader.nodePort));
  await once(ws, "open");
  expect(await (await page).text()).toBe("there");
  ws.terminate();
});

test("or served here, if that is this node", async () => {
  const ws = dial(up.server.url);
  const page = fetch(`${up.server.url}/page`);
  await up.waiting(2);
  up.known("here");
  await once(ws, "open");
  expect(await (await page).text()).toBe("here /page");
  ws.terminate();
});

test("and wait on if it is not known after all", async () => {
  const page = fetch(`${up.server.url}/page`);
  await up.waiting(1);
  up.known("unknown");
  await up.waiting(2);
  up.known("here");
  expect((await page).status).toBe(200);
});

test("clients of a node that is gone, or ends before it has answered, wait for the next one", async () => {
  await using leader = await leaderServer();
  // It takes connections and says nothing: a node that stands still.
  await using silent = await oddRedis((socket) => void socket.resume());
  const ended = new AbortController();
  up.known({ ...own(silent.port), ended: ended.signal });
  const ws = dial(up.server.url);
  const page = fetch(`${up.server.url}/page`);
  while (silent.connections < 2) await new Promise((resolve) => setImmediate(resolve));
  const deadEnded = new AbortController();
  up.known({ ...own(await freePort()), ended: deadEnded.signal });
  ended.abort();
  while (silent.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  up.known(own(leader.nodePort));
  deadEnded.abort();
  await once(ws, "open");
  expect(await (await page).text()).toBe("there");
  expect(up.server.forwarded).toBe(1);
  ws.terminate();
});

test("those who have waited for long enough are told to come again", async () => {
  const brief = await follower(20);
  const ws = dial(brief.server.url);
  ws.on("error", () => {});
  const [, refusal] = await once(ws, "unexpected-response");
  expect(JSON.parse(await text(refusal))).toMatchObject({ error: { code: "cluster_unavailable" } });
  expect((await fetch(`${brief.server.url}/page`)).status).toBe(503);
  await brief.server.close();
});

test("of those who have waited for a node that cannot be reached nothing is left", async () => {
  const brief = await follower(300);
  const gone = await leaderServer();
  await gone.close();
  const node = own(gone.nodePort);
  brief.known(node);
  expect((await fetch(`${brief.server.url}/page`)).status).toBe(503);
  expect(getEventListeners(node.ended, "abort")).toEqual([]);
  await brief.server.close();
});

test("those who wait at a node that stops are told so at once", async () => {
  const ws = dial(up.server.url);
  ws.on("error", () => {});
  await up.waiting(1);
  const refused = once(ws, "unexpected-response");
  up.server.drain();
  const [, refusal] = await refused;
  expect(refusal.statusCode).toBe(503);
});

test("a client that left while it waited is passed on to nobody", async () => {
  await using leader = await leaderServer();
  const over = new AbortController();
  const page = fetch(`${up.server.url}/page`, { signal: over.signal }).catch(() => "gone");
  await up.waiting(1);
  over.abort();
  expect(await page).toBe("gone");
  up.known(own(leader.nodePort));
  const later = await fetch(`${up.server.url}/page`);
  expect(await later.text()).toBe("there");
});
