import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { runBackup } from "../../../src/cli/commands/backup.ts";
import { runKeys } from "../../../src/cli/commands/keys/keys.ts";
import { runUsage } from "../../../src/cli/commands/usage.ts";
import { visitHttpFace, visitStreamFace } from "../../support/clients/bill-client.ts";
import { untilKnown } from "../../support/gateways/keyed-gateway.ts";
import { configFor, type SluiceProcess, startSluice } from "../../support/gateways/sluice-process.ts";
import { runCommand } from "../../support/openclaw/command-world.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { describeWithPostgres, freshSchema, type TestPostgres } from "../../support/stores/postgres.ts";
import { type Plan, startBillingUpstream } from "../../support/upstreams/billing-upstream.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

/** Says on standard error when a module imports the driver. */
const TELL_OF_DRIVER = `
  import { registerHooks } from "node:module";
  registerHooks({ resolve(name, context, next) {
    if (name === "pg") process.stderr.write("pg is imported\\n");
    return next(name, context);
  } });`;

const EVENTS = Array.from({ length: 60 }, (_, index) => 1 + (index % 3));
const TOKENS = EVENTS.reduce((sum, tokens) => sum + tokens, 0);
const planFor = (key: string, paceMs: number): Plan => ({
  key,
  inputTokens: 120,
  cacheReadTokens: 20,
  eventTokens: EVENTS,
  end: "complete",
  paceMs,
});

const configIn = (schema: string, upstream: string) => ({
  ...configFor(upstream),
  data: { store: "postgres", postgres: { url: { env: "DATABASE" }, schema, connections: 4 } },
});
const envOf = (server: TestPostgres) => ({ DATABASE: server.url });

/** Runs commands in the gateway's directory. */
const commandsIn =
  ({ directory }: Pick<SluiceProcess, "directory">, server: TestPostgres) =>
  (run: typeof runKeys | typeof runUsage | typeof runBackup, ...args: readonly string[]) =>
    runCommand(run, args, { env: envOf(server), cwd: directory });

const readyOf = async (url: string) => (await fetch(`${url}/readyz`)).status;

test("with SQLite the driver of PostgreSQL is never loaded", async () => {
  await using gateway = await startSluice({ data: { store: "sqlite" } }, { preload: TELL_OF_DRIVER });
  expect(await readyOf(gateway.url)).toBe(200);
  expect(gateway.stderr).toBe("");
});

describeWithPostgres("a gateway whose data lies in PostgreSQL", (server) => {
  test("loads the driver, and writes no file of its own", async () => {
    const config = configIn(freshSchema(), "http://127.0.0.1:1");
    await using gateway = await startSluice(config, { env: envOf(server()), preload: TELL_OF_DRIVER });
    expect(await readyOf(gateway.url)).toBe(200);
    expect(gateway.stderr).toContain("pg is imported");
    expect(existsSync(join(gateway.directory, ".sluice"))).toBe(false);
  });

  test("its keys, usage and conversations are there after a restart, and for the commands", async () => {
    await using upstream = await startScriptedUpstream();
    const config = {
      ...configIn(freshSchema(), upstream.url),
      auth: { required: true },
      // Waiting for a key means polling.
      limits: { lingerMs: 0, requests: { authFailuresPerMinute: 10_000 } },
    };
    const env = envOf(server());
    let secret = "";
    {
      await using gateway = await startSluice(config, { env });
      const command = commandsIn(gateway, server());
      const created = await command(runKeys, "create", "alice", "--scopes", "chat,streams,admin");
      expect(created).toMatchObject({ code: 0, stderr: expect.stringContaining("for alice") });
      expect((await command(runKeys, "create", "alice")).stderr).toContain("already has a key");
      secret = created.stdout.trim();
      await untilKnown(gateway.url, secret);
      using client = await OpenClawClient.dial(gateway.url);
      await client.connect({ token: secret });
      await client.request("chat.send", { sessionKey: "trip", message: "where to?", idempotencyKey: "run-1" });
      new ChatScript(await upstream.request()).text("to the sea").finish();
      await client.until(() => client.textOf("run-1") === "to the sea");
      gateway.kill("SIGTERM");
      expect(await gateway.exit).toBe(0);
    }
    await using gateway = await startSluice(config, { env });
    using client = await OpenClawClient.dial(gateway.url);
    await client.connect({ token: secret });
    const { messages } = await client.request("chat.history", { sessionKey: "trip" });
    expect(messages).toMatchObject([
      { role: "user", content: "where to?" },
      { role: "assistant", content: [{ type: "text", text: "to the sea" }] },
    ]);
    const command = commandsIn(gateway, server());
    const usage = await command(runUsage, "--by", "caller", "--json");
    expect(JSON.parse(usage.stdout).lines).toMatchObject([{ group: "alice", streams: 1, completed: 1 }]);
    const revoked = await command(runKeys, "revoke", "alice");
    expect(revoked).toMatchObject({ code: 0, stderr: "" });
    await client.closed;
    const backup = await command(runBackup, "copy");
    expect(backup).toMatchObject({ code: 1, stderr: expect.stringContaining("pg_dump --schema=") });
  });

  test("a server killed for seconds under streams: no stream notices, and every row is exact", async () => {
    await using upstream = await startBillingUpstream();
    const schema = freshSchema();
    await using gateway = await startSluice(configIn(schema, upstream.url), { env: envOf(server()) });
    const visits = (part: string, paceMs: number) =>
      Array.from({ length: 20 }, async (_, index) => {
        const plan = planFor(`${part} ${index}`, paceMs);
        const visit = { plan, model: "gpt", abortAfter: undefined } as const;
        return (index % 2 === 0 ? visitStreamFace : visitHttpFace)(gateway.url, visit);
      });
    const before = visits("opened before", 50);
    await Promise.all(visits("over before", 0));
    await server().kill();
    try {
      // These open and end, and those opened before end, while it is away.
      await Promise.all([...visits("meanwhile", 5), ...before]);
      await setTimeout(1_000);
    } finally {
      await server().resume();
    }
    await Promise.all(visits("after", 0));
    const ask = (what: string) => server().ask(`SELECT ${what} FROM ${schema}.streams`);
    gateway.kill("SIGTERM");
    expect(await gateway.exit).toBe(0);
    expect(ask("count(*), count(*) FILTER (WHERE outcome = 'completed')")).toBe("80|80");
    const figures =
      "count(DISTINCT stream), min(input_tokens), max(input_tokens), min(output_tokens), max(output_tokens)";
    expect(ask(`${figures}, min(source), max(source)`)).toBe(`80|120|120|${TOKENS}|${TOKENS}|exact|exact`);
    expect([...upstream.bills.values()].map(({ calls }) => calls)).toEqual(Array(80).fill(1));
  });

  test("a conversation during a restart of the server loses no message", async () => {
    await using upstream = await startScriptedUpstream();
    const config = configIn(freshSchema(), upstream.url);
    await using gateway = await startSluice(config, { env: envOf(server()) });
    using client = await OpenClawClient.dial(gateway.url);
    await client.connect();
    await client.request("chat.send", { sessionKey: "trip", message: "one", idempotencyKey: "run-1" });
    const answer = new ChatScript(await upstream.request());
    answer.text("first");
    await client.until(() => client.textOf("run-1") === "first");
    await server().kill();
    answer.text(" and last").finish();
    await client.until(() => client.textOf("run-1") === "first and last");
    await setTimeout(2_000);
    await server().resume();
    await client.request("chat.send", { sessionKey: "trip", message: "two", idempotencyKey: "run-2" });
    new ChatScript(await upstream.request()).text("second").finish();
    // Its text comes before its end, and only the end is in the history.
    await client.ended("run-2");
    const { messages } = await client.request("chat.history", { sessionKey: "trip" });
    expect(messages).toMatchObject([
      { content: "one" },
      { content: [{ text: "first and last" }] },
      { content: "two" },
      { content: [{ text: "second" }] },
    ]);
  });

  test("a second gateway is refused while the first runs, also after the server was killed", async () => {
    const config = configIn(freshSchema(), "http://127.0.0.1:1");
    const env = envOf(server());
    await using first = await startSluice(config, { env });
    await expect(startSluice(config, { env })).rejects.toThrow("in use by another gateway");
    await server().kill();
    await server().resume();
    const locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    while (server().ask(locks) !== "2") await setTimeout(50);
    await expect(startSluice(config, { env })).rejects.toThrow("in use by another gateway");
    expect(await readyOf(first.url)).toBe(200);
  });

  test("a gateway that was killed makes room for the next at once", async () => {
    const config = configIn(freshSchema(), "http://127.0.0.1:1");
    const env = envOf(server());
    {
      await using first = await startSluice(config, { env });
      first.kill("SIGKILL");
      await first.exit;
    }
    await using second = await startSluice(config, { env });
    expect(await readyOf(second.url)).toBe(200);
  });

  test("a server that cannot be reached, or refuses, is named without user and password", async () => {
    const data = { store: "postgres", postgres: { url: "postgres://ann:s3cret-word@127.0.0.1:1/things" } };
    const failure = await startSluice({ data }).catch((error: Error) => error.message);
    expect(failure).toContain("PostgreSQL at 127.0.0.1:1/things cannot be used: connect ECONNREFUSED");
    expect(failure).not.toContain("s3cret-word");
  });
});
