import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { findOpenFiles } from "../../../src/observe/open-files.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { type UpgradeAnswer, upgrade } from "../../support/clients/upgrade.ts";
import { configFor, startSluice } from "../../support/gateways/sluice-process.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const delta = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });
const onLinux = findOpenFiles() ? test : test.skip;

/** A gateway that may open 256 files, and a client with a running stream. */
async function setUp() {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const limits = { sockets: { upgradesPerSecond: 10_000 } };
  const sluice = stack.use(await startSluice(configFor(upstream.url, { limits }), { before: "ulimit -n 256" }));
  const client = stack.use(await (await StreamClient.connect(sluice.url)).hello());
  const open = async (id: string) => {
    client.send({ type: "open", id, model: "gpt", body: {} });
    const exchange = (await upstream.request()).sse().event(delta(id));
    await client.take((frame) => frame.type === "event" && frame.id === id);
    return exchange;
  };
  return { sluice, client, open, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("a gateway that runs out of file descriptors", () => {
  onLinux(
    "refuses new connections with 503 and Retry-After, serves existing ones, and later admits new ones again",
    async () => {
      await using up = await setUp();
      const running = await up.open("before");
      const answers: UpgradeAnswer[] = [];
      while (answers.filter(({ status }) => status === 503).length < 20) answers.push(await upgrade(up.sluice.url));
      const admitted = answers.filter(({ status }) => status === 101);
      const [refused] = answers.filter(({ status }) => status === 503);
      expect(admitted.length).toBeGreaterThan(100);
      expect(admitted.length).toBeLessThan(192);
      expect(Number(refused?.headers["retry-after"])).toBeGreaterThanOrEqual(1);
      expect(JSON.parse(refused?.body ?? "")).toMatchObject({ error: { code: "overloaded", retryable: true } });
      running.event(delta("more"));
      await up.client.take((frame) => frame.type === "event" && frame.id === "before" && frame.seq === 2);
      await up.open("meanwhile");
      for (const { socket } of admitted) socket?.destroy();
      let answer = await upgrade(up.sluice.url);
      while (answer.status === 503) answer = await upgrade(up.sluice.url);
      expect(answer.status).toBe(101);
      answer.socket?.destroy();
    },
  );

  onLinux("keeps enough of them for upstreams when silent clients connect", async () => {
    await using up = await setUp();
    const { hostname, port } = new URL(up.sluice.url);
    const sockets: Socket[] = [];
    let closed = 0;
    while (closed < 20) {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      socket.on("close", () => closed++);
      sockets.push(socket);
      await Promise.race([once(socket, "connect"), once(socket, "close")]);
    }
    for (const id of ["a", "b", "c"]) await up.open(id);
    // The log is written asynchronously, and may arrive after the frames.
    await turnsUntil(() => up.sluice.stdout.includes('"code":"overloaded","where":"accept"'));
    for (const socket of sockets) socket.destroy();
  });
});
