/** Limits that change while the gateway runs. */
import { describe, expect, test } from "@jest/globals";
import { configSchema } from "../../../src/config/schema.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { upgrade } from "../../support/clients/upgrade.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { within } from "../../support/jest/not-late.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";
import { addKey, answer, configOf, HEAD } from "../../support/upstreams/several-targets.ts";

const directory = temporaryDirectories();
const OPEN = { model: "smart", body: { messages: [] } };

/** A gateway with one target and these limits, a client, and a reload with others. */
async function setUp(limits: object, more: Readonly<Record<string, unknown>> = {}, token?: string) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const config = (target: object = {}) => ({
    ...configOf([upstream], { model: { targets: [{ route: "r0", model: "m0", ...target }] } }),
    ...more,
    listen: { port: 0 },
    demo: false,
    log: { level: "debug", pretty: false },
  });
  const base = { store: "memory" };
  const gateway = stack.use(await startTestGateway({ config: { ...config(), limits } }));
  const client = stack.use(await (await StreamClient.connect(gateway.url, token ? { token } : {})).hello());
  return {
    ...{ gateway, client, upstream },
    /** What the file says now. */
    reload: (next: object, target: object = {}) => {
      const input = {
        data: base,
        ...config(target),
        limits: { drainMs: 1, ...next, streams: { loopDelayMs: 60_000 } },
      };
      // The test's gateway ignores the load of the machine.
      Object.assign(input.limits.streams, (next as { streams?: object }).streams);
      return gateway.reload(() => configSchema({ env: {}, readFile: () => "" }).parse(input));
    },
    refusal: async (id: string) => {
      client.send({ type: "open", id, ...OPEN });
      const frame = await client.take((one) => (one.type === "error" || one.type === "opened") && one.id === id);
      return frame.type === "error" ? frame.error.code : undefined;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describe("a reload that changes a limit takes effect at once:", () => {
  test("openStreams", async () => {
    await using up = await setUp({ openStreams: 1 });
    expect([await up.refusal("a"), await up.refusal("b")]).toEqual([undefined, "overloaded"]);
    expect(up.reload({ openStreams: 2 })).toEqual({ changed: ["limits.openStreams"], restart: [] });
    expect([await up.refusal("c"), await up.refusal("d")]).toEqual([undefined, "overloaded"]);
    // Lowered below what runs: nothing is closed, and nothing is let in.
    up.reload({ openStreams: 1 });
    expect(await up.refusal("e")).toBe("overloaded");
    expect(up.gateway.log.lines.filter(({ event }) => event === "reloaded")).toMatchObject([
      { changed: ["limits.openStreams"], restart: [], level: "info" },
      { changed: ["limits.openStreams"], restart: [], level: "info" },
    ]);
  });

  test("opensPerSecond and opensBurst, with what was used of them", () =>
    within(1_000, async () => {
      const slow = { opensPerSecond: 1, streams: { opensBurst: 1 } };
      await using up = await setUp(slow);
      expect([await up.refusal("a"), await up.refusal("b")]).toEqual([undefined, "rate_limited"]);
      const outcome = up.reload({ opensPerSecond: 1, streams: { opensBurst: 3 } });
      expect(outcome).toMatchObject({ changed: ["limits.streams.opensBurst"] });
      expect([await up.refusal("c"), await up.refusal("d"), await up.refusal("e")]).toEqual([
        undefined,
        undefined,
        "rate_limited",
      ]);
    }));

  test("connections, connectionsPerAddress and connectionsPerKey", async () => {
    const path = directory();
    const secret = freshSecret();
    addKey(path, keyFor("ci", secret, {}));
    const data = { auth: { required: true }, data: { directory: path } };
    const headers = { authorization: `Bearer ${secret}` };
    for (const [limits, status] of [
      [{ connections: 1 }, 503],
      [{ connectionsPerAddress: 1 }, 503],
      [{ sockets: { connectionsPerKey: 1 } }, 429],
    ] as const) {
      await using up = await setUp(limits, data, secret);
      expect((await upgrade(up.gateway.url, { headers })).status).toBe(status);
      up.reload({});
      const admitted = await upgrade(up.gateway.url, { headers });
      admitted.socket?.destroy();
      expect(admitted.status).toBe(101);
    }
  });

  test("graceMs, for streams that are without a reader already", async () => {
    await using up = await setUp({ graceMs: 900_000 });
    await up.refusal("a");
    const exchange = (await up.upstream.request()).sse().event(HEAD);
    up.client.close();
    await up.client.closed;
    up.reload({ graceMs: 1 });
    await exchange.closed;
  });

  test.each([["retentionMs"], ["streams.handledRetentionMs"]])("%s, for streams that have ended", async (limit) => {
    const isHandled = limit !== "retentionMs";
    await using up = await setUp({ retentionMs: 900_000, streams: { handledRetentionMs: 900_000 } });
    up.client.send({ type: "open", id: "a", ...OPEN, idempotencyKey: "k", ...(isHandled && { flow: "none" }) });
    answer(await up.upstream.request());
    await up.client.rest("a");
    const kept = async () => {
      const page = await (await fetch(`${up.gateway.url}/metrics`)).text();
      return /^sluice_streams\{state="kept"\} (\d+)$/m.exec(page)?.[1];
    };
    expect(await kept()).toBe("1");
    up.reload({ retentionMs: isHandled ? 900_000 : 1, streams: { handledRetentionMs: isHandled ? 1 : 900_000 } });
    await turnsUntil(async () => (await kept()) === "0");
  });

  test("drainMs and lingerMs", async () => {
    await using up = await setUp({ drainMs: 900_000, lingerMs: 300_000 });
    await up.refusal("a");
    (await up.upstream.request()).sse().event(HEAD);
    up.reload({ drainMs: 1, lingerMs: 0 });
    await up.gateway.close("SIGTERM");
    expect((await up.client.rest("a")).end).toMatchObject({ error: { code: "shutting_down" } });
  });

  test("a target's concurrentStreams, counting those that run", async () => {
    await using up = await setUp({});
    up.reload({}, { concurrentStreams: 2 });
    expect(await up.refusal("a")).toBeUndefined();
    const running: ScriptedExchange = await up.upstream.request();
    const outcome = up.reload({}, { concurrentStreams: 1 });
    expect(outcome).toMatchObject({ changed: ["models.smart.targets"] });
    expect(await up.refusal("b")).toBe("rate_limited");
    answer(running);
    await up.client.rest("a");
    expect(await up.refusal("c")).toBeUndefined();
  });
});

describe("a reload that changes a limit which has sized something", () => {
  test("names it as waiting for a restart, and applies the others", async () => {
    await using up = await setUp({ openStreams: 5 });
    const outcome = up.reload({ openStreams: 6, totalLogBytes: 10_000_000 });
    expect(outcome).toEqual({ changed: ["limits.openStreams"], restart: ["limits.totalLogBytes"] });
  });
});
