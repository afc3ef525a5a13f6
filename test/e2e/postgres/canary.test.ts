import { randomBytes } from "node:crypto";
import { expect, test } from "@jest/globals";
import { configFor, startSluice } from "../../support/gateways/sluice-process.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

/** Text that occurs nowhere else. */
const canary = () => `canary${randomBytes(6).toString("hex")}`;

describeWithPostgres("a PostgreSQL that fails in every way", (server) => {
  test("brings neither its password nor a prompt, an answer or a session's name into a log, a metric or an error", async () => {
    await using upstream = await startScriptedUpstream();
    const [password, prompt, answer, session] = [canary(), canary(), canary(), canary()];
    server().ask(`CREATE ROLE ann LOGIN SUPERUSER PASSWORD '${password}'`);
    server().admit("host all ann 127.0.0.1/32 scram-sha-256");
    const url = server().url.replace("sluice@", `ann:${password}@`);
    const schema = freshSchema();
    const data = { store: "postgres", postgres: { url: { env: "DATABASE" }, schema, connections: 4 } };
    const config = { ...configFor(upstream.url, { data }), metrics: { enabled: true } };
    await using gateway = await startSluice(config, { env: { DATABASE: url } });
    using client = await OpenClawClient.dial(gateway.url);
    await client.connect();
    const talk = async (runId: string) => {
      await client.request("chat.send", { sessionKey: session, message: prompt, idempotencyKey: runId });
      new ChatScript(await upstream.request()).text(answer).finish();
      await client.ended(runId);
    };
    /** A fault of the store, or a line about the ledger, after those before. */
    const seen = (event: string) => gateway.stdout.split(`"event":"${event}"`).length;
    const until = async (event: string, work: () => Promise<unknown>) => {
      const before = seen(event);
      await work();
      await turnsUntil(() => seen(event) !== before);
    };
    const alter = (table: string, what: string) => server().ask(`ALTER TABLE ${schema}.${table} ${what}`);
    await talk("r0");

    // PostgreSQL's errors quote the whole row in their detail.
    alter("messages", "ADD CONSTRAINT none CHECK (seq < 0) NOT VALID");
    await until("fault", () => talk("r1"));
    alter("messages", "DROP CONSTRAINT none");
    alter("streams", "ADD CONSTRAINT none CHECK (false) NOT VALID");
    await until("ledger", () => talk("r2"));
    alter("streams", "DROP CONSTRAINT none");
    // Errors that name what a statement asked for.
    alter("messages", "RENAME TO elsewhere");
    await until("fault", () => talk("r3"));
    alter("elsewhere", "RENAME TO messages");
    await until("ledger", async () => {
      await server().kill();
      await talk("r4");
    });
    await server().resume();
    await talk("r5");
    const pages = ["/metrics", "/readyz", "/start.json", "/v1/streams"].map(async (path) =>
      (await fetch(`${gateway.url}${path}`)).text(),
    );
    const metrics = (await Promise.all(pages)).join();
    expect(metrics).toContain("sluice_faults_total");
    const shown = JSON.stringify(await client.request("config.get", {}));
    gateway.kill("SIGTERM");
    await gateway.exit;
    const told = gateway.stdout + gateway.stderr + metrics + shown;
    expect(told).toContain('"where":"openclaw.transcripts"');
    expect([password, prompt, answer, session].filter((word) => told.includes(word))).toEqual([]);
  });
});
