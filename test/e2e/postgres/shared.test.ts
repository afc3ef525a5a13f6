import { isDeepStrictEqual } from "node:util";
import { expect, test } from "@jest/globals";
import { asObject } from "../../../src/core/kernel/json.ts";
import { openPostgresKeys } from "../../../src/storage/keys/postgres-keys.ts";
import { startTestGateway, type TestGateway } from "../../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { untilKnown } from "../../support/gateways/keyed-gateway.ts";
import { ownTime } from "../../support/jest/own-time.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

async function connect({ url }: Pick<TestGateway, "url">, token?: string): Promise<OpenClawClient> {
  const client = await OpenClawClient.dial(url);
  await client.connect(token === undefined ? {} : { token });
  await client.request("sessions.subscribe");
  return client;
}

const send = (client: OpenClawClient, runId: string) =>
  client.request("chat.send", { sessionKey: "trip", message: `say ${runId}`, idempotencyKey: runId });

/** Asks and answers one question. */
async function talk(client: OpenClawClient, upstream: ScriptedUpstream, runId: string): Promise<void> {
  await send(client, runId);
  new ChatScript(await upstream.request()).text(`answer ${runId}`).finish();
  await client.ended(runId);
}

const textsOf = async (client: OpenClawClient): Promise<readonly unknown[]> => {
  const { messages } = await client.request("chat.history", { sessionKey: "trip" });
  return (messages as { readonly content: unknown }[]).map(({ content }) =>
    typeof content === "string" ? content : (content as { readonly text: unknown }[]).map(({ text }) => text).join(),
  );
};

/** Asks again, each time that the client is told of a change, until the answer is as wanted. */
async function until<Answer>(
  client: OpenClawClient,
  ask: () => Promise<Answer>,
  isWanted: (answer: Answer) => boolean,
) {
  const told = () => client.payloads("sessions.changed").length;
  for (;;) {
    const before = told();
    const answer = await ask();
    if (isWanted(answer)) return answer;
    await client.until(() => told() > before);
  }
}

/** Resolves once a page on this gateway shows these texts. */
const untilShown = (client: OpenClawClient, texts: readonly string[]) =>
  until(
    client,
    () => textsOf(client),
    (shown) => isDeepStrictEqual(shown, texts),
  );

describeWithPostgres("two gateways on one schema", (server) => {
  const dataIn = (schema: string) => ({
    store: "postgres",
    shared: true,
    postgres: { url: server().url, schema, connections: 4 },
  });
  const start = (upstream: string, schema: string, more: object = {}) =>
    startTestGateway({ upstream, config: { data: dataIn(schema), defaultModel: "gpt", ...more } });

  test("each shows the conversations that the other has, and goes on with them", async () => {
    await using upstream = await startScriptedUpstream();
    const schema = freshSchema();
    await using one = await start(upstream.url, schema);
    await using other = await start(upstream.url, schema);
    using here = await connect(one);
    using there = await connect(other);
    await talk(here, upstream, "r1");
    const talked = (...runIds: readonly string[]) => runIds.flatMap((runId) => [`say ${runId}`, `answer ${runId}`]);
    // Both have it in memory from now on.
    await untilShown(there, talked("r1"));
    await talk(there, upstream, "r2");
    await untilShown(here, talked("r1", "r2"));
    await talk(here, upstream, "r3");
    await untilShown(there, talked("r1", "r2", "r3"));
    await here.request("sessions.patch", { key: "trip", label: "by the sea" });
    const labelled = () => there.request("sessions.describe", { key: "trip" });
    await until(there, labelled, ({ session }) => asObject(session)?.label === "by the sea");
    await here.request("sessions.delete", { key: "trip" });
    await untilShown(there, []);
  });

  test("what one misses while its connection is cut it reads when it is back", async () => {
    await using upstream = await startScriptedUpstream();
    const schema = freshSchema();
    await using one = await start(upstream.url, schema);
    server().ask("CREATE ROLE other SUPERUSER LOGIN");
    const url = server().url.replace("sluice@", "other@");
    const data = { ...dataIn(schema), postgres: { url, schema } };
    await using other = await start(upstream.url, schema, { data });
    using here = await connect(one);
    using there = await connect(other);
    await talk(here, upstream, "r1");
    await untilShown(there, ["say r1", "answer r1"]);
    server().ask("ALTER ROLE other NOLOGIN");
    server().ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'other'");
    await talk(here, upstream, "r2");
    expect(await textsOf(there)).toEqual(["say r1", "answer r1"]);
    server().ask("ALTER ROLE other LOGIN");
    await untilShown(there, ["say r1", "answer r1", "say r2", "answer r2"]);
  });

  test("preferences and groups of one are there on the other, and its pages are told", async () => {
    const schema = freshSchema();
    await using one = await start("http://127.0.0.1:1", schema);
    await using other = await start("http://127.0.0.1:1", schema);
    using here = await connect(one);
    using there = await connect(other);
    await here.request("users.prefs.set", { entries: { theme: "dark" } });
    await there.until(() => there.payloads("users.prefs.changed").some(({ keys }) => String(keys) === "theme"));
    expect(await there.request("users.prefs.get")).toMatchObject({ entries: { theme: "dark" } });
    await here.request("sessions.groups.put", { names: ["Home"] });
    await there.until(() => there.payloads("sessions.changed").some(({ reason }) => reason === "groups"));
    expect(await there.request("sessions.groups.list")).toMatchObject({ groups: [{ name: "Home" }] });
  });

  test("what waits in the queue of one is not run by another that starts", async () => {
    await using upstream = await startScriptedUpstream();
    const schema = freshSchema();
    await using one = await start(upstream.url, schema);
    using here = await connect(one);
    await send(here, "r1");
    const answer = new ChatScript(await upstream.request());
    await send(here, "r2");
    const waiting = `SELECT count(*) FROM ${schema}.documents WHERE kind = 'openclaw.queue'`;
    await turnsUntil(() => server().ask(waiting) === "1");
    await using other = await start(upstream.url, schema);
    using there = await connect(other);
    answer.text("answer r1").finish();
    new ChatScript(await upstream.request()).text("answer r2").finish();
    await here.ended("r2");
    await untilShown(there, ["say r1", "answer r1", "say r2", "answer r2"]);
    expect(upstream.requests).toBe(2);
  });

  test("a key made or revoked counts on both within two seconds, and its sockets close on both", async () => {
    const schema = freshSchema();
    const limits = { requests: { authFailuresPerMinute: 10_000 } };
    const more = { auth: { required: true }, limits };
    await using one = await start("http://127.0.0.1:1", schema, more);
    await using other = await start("http://127.0.0.1:1", schema, more);
    const keys = await openPostgresKeys(server().options(schema));
    const secret = freshSecret();
    const within = async (what: Promise<unknown>) => {
      const taken = ownTime();
      await what;
      return taken();
    };
    await keys.add(keyFor("alice", secret));
    const known = [one, other].map(({ url }) => within(untilKnown(url, secret)));
    for (const ms of await Promise.all(known)) expect(ms).toBeLessThan(2_000);
    const clients = await Promise.all([one, other].map((gateway) => connect(gateway, secret)));
    await keys.change("alice", (key) => ({ ...key, revokedAt: Date.now() }));
    const closed = clients.map((client) => within(client.untilClosed()));
    for (const ms of await Promise.all(closed)) expect(ms).toBeLessThan(2_000);
    await keys.close();
  });
});
