/** Gateway keys in a cluster: a change counts on every node, whatever is out of reach. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { createClient } from "@redis/client";
import { runKeys } from "../../../src/cli/commands/keys/keys.ts";
import { runTeams } from "../../../src/cli/commands/keys/teams.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { untilKnown } from "../../support/gateways/keyed-gateway.ts";
import { runCommand } from "../../support/openclaw/command-world.ts";
import { describeWithRedis, type TestRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();
const OPEN = { type: "open", id: "a", model: "gpt", body: { messages: [] } };
const DELTA = { choices: [{ index: 0, delta: { content: "hello" }, finish_reason: null }] };

/** Two nodes on one data directory, and `sluice keys` beside them. */
async function twoNodes(redis: TestRedis, upstream: string) {
  const folder = directory();
  const data = { store: "sqlite", directory: folder, shared: true };
  const cluster = { redis: { url: redis.url, prefix: "keys" } };
  const requests = { authFailuresPerMinute: 10_000 };
  const start = () =>
    startTestGateway({ upstream, config: { data, cluster, auth: { required: true }, limits: { requests } } });
  const nodes = [await start(), await start()];
  const file = join(folder, "sluice.config.json");
  writeFileSync(file, JSON.stringify({ demo: true, data, cluster }));
  const within =
    (run: typeof runKeys) =>
    (...args: readonly string[]) =>
      runCommand(run, [...args, "--json", "--config", file], { cwd: folder });
  const keys = within(runKeys);
  return {
    nodes,
    keys,
    teams: within(runTeams),
    async make(caller: string, ...options: readonly string[]) {
      const { stdout } = await keys("create", caller, ...options);
      const secret = String((JSON.parse(stdout) as { readonly secret: string }).secret);
      for (const { url } of nodes) await untilKnown(url, secret);
      return secret;
    },
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node.close();
    },
  };
}

/** A client of each node with a running stream. */
async function running(
  nodes: readonly { readonly url: string }[],
  token: string,
  upstream: Awaited<ReturnType<typeof startScriptedUpstream>>,
) {
  const clients: StreamClient[] = [];
  for (const { url } of nodes) {
    const client = await (await StreamClient.connect(url, { token })).hello();
    client.send(OPEN);
    (await upstream.request()).sse().event(DELTA);
    await client.take((frame) => frame.type === "event");
    clients.push(client);
  }
  return clients;
}

const ENDS = {
  end: { type: "end", status: "cancelled" },
  closed: { code: 4501, reason: "unauthorized" },
};
const endsOf = async (client: StreamClient) => ({
  end: await client.take((frame) => frame.type === "end"),
  closed: await client.closed,
});

describeWithRedis("a key that is revoked", (redis) => {
  test("ends its streams and sockets on every node, each of which is told", async () => {
    await using upstream = await startScriptedUpstream();
    await using cluster = await twoNodes(redis(), upstream.url);
    const listener = await createClient({ url: redis().url }).connect();
    const told = new Promise((resolve) => void listener.subscribe("keys:keys", resolve));
    const clients = await running(cluster.nodes, await cluster.make("alice"), upstream);
    const revoked = cluster.keys("revoke", "alice");
    for (const client of clients) expect(await endsOf(client)).toMatchObject(ENDS);
    expect(await revoked).toMatchObject({ code: 0, stderr: "" });
    await told;
    expect(await listener.publish("keys:keys", "")).toBe(3);
    listener.destroy();
  });

  test("does so while Redis is away, and whoever revokes it is told that it takes a moment", async () => {
    await using upstream = await startScriptedUpstream();
    await using cluster = await twoNodes(redis(), upstream.url);
    const clients = await running(cluster.nodes, await cluster.make("bob"), upstream);
    await redis().kill();
    const revoked = cluster.keys("revoke", "bob");
    for (const client of clients) expect(await endsOf(client)).toMatchObject(ENDS);
    expect(await revoked).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /^sluice: the nodes learn of it within two seconds, not at once: Redis at \S+ cannot be used: connect ECONNREFUSED\n$/,
      ),
    });
    await redis().resume();
  });
});

describeWithRedis("a team's caps that are changed", (redis) => {
  test("count on every node, without a restart", async () => {
    await using upstream = await startScriptedUpstream();
    upstream.respondWith((exchange) => void exchange.sse().event(DELTA).event("[DONE]").end());
    await using cluster = await twoNodes(redis(), upstream.url);
    await cluster.teams("create", "red");
    const secret = await cluster.make("carol", "--team", "red");
    const ask = async (url: string) => {
      const answer = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "gpt", messages: [], stream: true }),
      });
      return [answer.status, await answer.text()] as const;
    };
    for (const { url } of cluster.nodes) expect((await ask(url))[0]).toBe(200);
    expect(await cluster.teams("change", "red", "--tokens-per-day", "1")).toMatchObject({ code: 0, stderr: "" });
    for (const { url } of cluster.nodes) {
      let [status, words] = await ask(url);
      while (status === 200) [status, words] = await ask(url);
      expect(words).toContain("tokens per day of team red");
    }
    await cluster.teams("change", "red", "--tokens-per-day", "none");
    for (const { url } of cluster.nodes) while ((await ask(url))[0] !== 200);
  });
});
