/** A gateway as a node of a cluster: what operators see of it, and when it begins nothing. */
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { createClient } from "@redis/client";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway, type TestGateway } from "../support/gateways/gateway.ts";
import { turnsUntil } from "../support/jest/turns-until.ts";
import { beforeRedis } from "../support/stores/odd-redis.ts";
import { describeWithRedis } from "../support/stores/redis.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();

const clustered = (url: string, prefix: string, more: object = {}) => ({
  data: { store: "sqlite", directory: directory(), shared: true },
  cluster: { redis: { url, prefix, ...more } },
});
const OPEN = { type: "open", model: "gpt", body: { messages: [] } };
const event = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });

const readyz = async ({ url }: TestGateway, headers: Record<string, string> = {}) => {
  const response = await fetch(`${url}/readyz`, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const stateLines = ({ log }: TestGateway) => log.lines.filter(({ event: name }) => name === "cluster");

/** Resolves with the gateway's line of this state. */
async function told(gateway: TestGateway, state: string): Promise<Record<string, unknown>> {
  for (;;) {
    const line = stateLines(gateway).find((each) => each.state === state);
    if (line) return line;
    await new Promise((written) => gateway.log.once("written", written));
  }
}

const sample = async ({ url }: TestGateway, name: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return line === undefined ? Number.NaN : Number(line.slice(name.length));
};

describeWithRedis("a node", (redis) => {
  test("shows its name, its lease and its Redis on /readyz, in its metrics, and its name in every line of its log", async () => {
    await using one = await startTestGateway({ config: clustered(redis().url, "shows") });
    const first = await readyz(one);
    await using two = await startTestGateway({
      config: clustered(redis().url, "shows", { moneyUrl: `${redis().url}/1` }),
    });
    expect(first).toEqual({
      status: 200,
      body: {
        status: "ready",
        node: expect.stringMatching(/^[A-Za-z0-9.-]+-[0-9a-f]{8}$/),
        leaseAgeMs: expect.any(Number),
        nodes: 1,
        clockAheadMs: 0,
        redis: { state: "up", latencyMs: expect.any(Number) },
      },
    });
    const second = await readyz(two);
    expect(second.body).toMatchObject({ nodes: 2, moneyRedis: { state: "up" } });
    expect(second.body.node).not.toBe(first.body.node);
    expect(new Set(one.log.lines.map(({ node }) => node))).toEqual(new Set([first.body.node]));
    expect(await sample(one, 'sluice_cluster_redis_up{redis="both"}')).toBe(1);
    expect(await sample(two, 'sluice_cluster_redis_up{redis="money"}')).toBe(1);
    expect(await sample(two, "sluice_cluster_nodes")).toBe(2);
    await turnsUntil(async () => (await sample(two, "sluice_cluster_lease_age_seconds")) < 6);
  });

  test("tells strangers whether it is ready, and nothing else", async () => {
    const auth = { token: "a-token-of-32-characters-or-more-0123" };
    await using gateway = await startTestGateway({ config: { ...clustered(redis().url, "strangers"), auth } });
    expect((await readyz(gateway)).body).toEqual({ status: "ready" });
    expect((await readyz(gateway, { authorization: "Bearer wrong" })).body).toEqual({ status: "ready" });
    expect((await readyz(gateway, { authorization: `Bearer ${auth.token}` })).body).toMatchObject({
      status: "ready",
      node: expect.any(String),
      redis: { state: "up" },
    });
  });

  test("that hears nothing of Redis for ten seconds wants no work and begins none, but finishes what runs", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({
      upstream: upstream.url,
      config: clustered(redis().url, "deaf"),
    });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    client.send({ ...OPEN, id: "runs" });
    const exchange = (await upstream.request()).sse().event(event("hello"));
    await client.take((frame) => frame.type === "event");

    await redis().kill();
    expect(await told(gateway, "redis_away")).toMatchObject({
      level: "error",
      code: "cluster_unavailable",
      redis: "both",
    });
    expect((await readyz(gateway)).body).toMatchObject({ status: "ready", redis: { state: "away" } });
    expect(await sample(gateway, 'sluice_cluster_redis_up{redis="both"}')).toBe(0);

    // What took it away was the end of its connections.
    const line = await told(gateway, "not_ready");
    expect(line).toMatchObject({ level: "error", reason: expect.stringMatching(/^connect ECONNREFUSED/) });
    const deaf = await readyz(gateway);
    expect(deaf).toMatchObject({ status: 503, body: { status: "not_ready" } });
    expect(deaf.body.reason).toMatch(/^nothing was heard from Redis for 1\d s: connect ECONNREFUSED/);
    client.send({ ...OPEN, id: "new" });
    const refused = await client.take((frame) => frame.type === "error");
    expect(refused).toMatchObject({
      id: "new",
      error: { code: "cluster_unavailable", retryable: true, retryAfterMs: 2_000 },
    });

    exchange.event(event(" world"));
    await client.take((frame) => frame.type === "event");
    await redis().resume();
    expect(await told(gateway, "redis_back")).toMatchObject({ level: "info", awayMs: expect.any(Number) });
    await told(gateway, "ready");
    expect((await readyz(gateway)).status).toBe(200);
    client.send({ ...OPEN, id: "again" });
    (await upstream.request()).sse().event(event("hello")).event("[DONE]").end();
    exchange.event("[DONE]").end();
    expect((await client.rest("runs")).end.status).toBe("completed");
    // Each change is one line.
    expect(stateLines(gateway).map(({ state }) => state)).toEqual(
      expect.arrayContaining(["redis_away", "not_ready", "redis_back", "ready"]),
    );
    expect(new Set(stateLines(gateway).map(({ state }) => state)).size).toBe(stateLines(gateway).length);
  });

  test("says that its clock differs from Redis', in its log, its metrics and on /readyz, and that it does no more", async () => {
    await using gateway = await startTestGateway({ config: clustered(redis().url, "clock") });
    const right = Date.now;
    for (const aheadMs of [-3_600_000, 10_000]) {
      Date.now = () => right() + aheadMs;
      const before = stateLines(gateway).length;
      try {
        await turnsUntil(() => stateLines(gateway).length > before);
        expect(stateLines(gateway).at(-1)).toMatchObject({ state: "clock_off", level: "warn" });
        const told = Number(stateLines(gateway).at(-1)?.aheadMs);
        expect(Math.abs(told - aheadMs)).toBeLessThan(2_000);
        expect(Math.abs(Number((await readyz(gateway)).body.clockAheadMs) - aheadMs)).toBeLessThan(2_000);
        expect(Math.abs((await sample(gateway, "sluice_cluster_clock_ahead_seconds")) - aheadMs / 1_000)).toBeLessThan(
          2,
        );
      } finally {
        Date.now = right;
      }
      await turnsUntil(() => stateLines(gateway).at(-1)?.state === "clock_right");
      expect(stateLines(gateway)).toHaveLength(before + 2);
    }
  });

  test("says that Redis lost its data", async () => {
    await using gateway = await startTestGateway({ config: clustered(redis().url, "lost") });
    await redis().kill();
    await redis().resume();
    expect(await told(gateway, "data_lost")).toMatchObject({ level: "error" });
    expect(await sample(gateway, 'sluice_cluster_events_total{kind="data_lost"}')).toBe(1);
  });

  test("needs of Redis what docs/cluster.md says that its user may, and no more", async () => {
    const page = readFileSync(new URL("../../docs/cluster.md", import.meta.url), "utf8");
    const [, rules = ""] = /^user sluice (on >password .*)$/m.exec(page) ?? [];
    const client = await createClient({ url: redis().url }).connect();
    await client.sendCommand(["ACL", "SETUSER", "sluice", "reset", ...rules.split(" ")]);
    const url = `redis://sluice:password@127.0.0.1:${redis().port}`;
    await using one = await startTestGateway({ config: clustered(url, "sluice") });
    await using two = await startTestGateway({ config: clustered(url, "sluice") });
    expect((await readyz(two)).body).toMatchObject({ status: "ready", nodes: 2 });
    await expect(startTestGateway({ config: clustered(url, "other") })).rejects.toMatchObject({
      message: expect.stringContaining("its user may not do all that a cluster needs"),
    });
    expect([...one.log.lines, ...two.log.lines].filter(({ event: name }) => name === "fault")).toEqual([]);
    client.destroy();
  });

  test("shows its password nowhere, even when its Redis quotes it or refuses it while it runs", async () => {
    const password = "canary-4b1d";
    const client = await createClient({ url: redis().url }).connect();
    await client.sendCommand(["ACL", "SETUSER", "ann", "on", `>${password}`, "~*", "&*", "+@all"]);
    let isQuoting = false;
    let quoted = 0;
    let cut = () => {};
    await using proxy = await beforeRedis(redis().port, (_bytes, pass, sockets) => {
      if (!isQuoting) cut = sockets.cut;
      if (isQuoting) {
        quoted++;
        sockets.answer(`-ERR unknown command 'AUTH', with args: 'ann' '${password}'\r\n`);
      } else pass();
    });
    const url = `redis://ann:${password}@127.0.0.1:${proxy.port}`;
    await using gateway = await startTestGateway({ config: clustered(url, "canary") });
    isQuoting = true;
    cut();
    await told(gateway, "redis_away");
    const shown = async () =>
      gateway.log.text + (await (await fetch(`${gateway.url}/metrics`)).text()) + JSON.stringify(await readyz(gateway));
    await turnsUntil(() => quoted >= 4);
    expect(await shown()).not.toContain(password);
    expect(await shown()).toContain("it is too old");
    isQuoting = false;
    await told(gateway, "redis_back");
    await client.sendCommand(["ACL", "SETUSER", "ann", "resetpass", ">another"]);
    await client.sendCommand(["CLIENT", "KILL", "USER", "ann"]);
    await turnsUntil(async () => (await shown()).includes("it refuses the user or the password"));
    expect(await shown()).not.toContain(password);
    client.destroy();
  });

  test("does not start without its Redis, nor without the second one, and leaves nothing running", async () => {
    const nowhere = "redis://x:canary-secret@127.0.0.1:1";
    for (const config of [clustered(nowhere, "none"), clustered(redis().url, "none", { moneyUrl: nowhere })]) {
      const error = await startTestGateway({ config }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: "cluster_unavailable",
        message: "Redis at 127.0.0.1:1 cannot be used: connect ECONNREFUSED",
      });
    }
  });
});
