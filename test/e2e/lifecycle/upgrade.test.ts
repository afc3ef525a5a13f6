import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import type { UsageReport } from "../../../src/core/ledger/ledger.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { configFor } from "../../support/gateways/sluice-process.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { untilStored } from "../../support/stores/stored-text.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const newDirectory = temporaryDirectories();
const KEPT = fileURLToPath(new URL("../../recordings/data-directory", import.meta.url));
const versions = readdirSync(KEPT);

/** A gateway of today on a copy of the data that a version left when it was killed. */
async function startOn(version: string, upstream: ScriptedUpstream) {
  const directory = newDirectory();
  cpSync(join(KEPT, version), directory, { recursive: true });
  const made = JSON.parse(readFileSync(join(directory, "made.json"), "utf8"));
  // As if its device had been used a minute ago: unused ones are forgotten after 90 days.
  using database = new DatabaseSync(join(directory, "sluice.db"));
  database
    .prepare("UPDATE documents SET value = json_set(value, '$.lastUsedAtMs', ?) WHERE kind = 'device'")
    .run(Date.now() - 60_000);
  mkdirSync(join(directory, "control-ui"));
  writeFileSync(join(directory, "control-ui", "index.html"), "<!doctype html><html></html>");
  const data = { store: "sqlite", directory };
  const ledger = { retentionDays: 36_500 };
  const openclaw = { controlUi: join(directory, "control-ui") };
  const config = configFor(upstream.url, { data, ledger, openclaw, auth: { token: made.token } });
  const gateway = await startTestGateway({ config });
  const client = await OpenClawClient.dial(gateway.url);
  await client.connect({ token: made.token });
  return { gateway, client, made, directory };
}

describe.each(versions)("the data directory of version %s", (version) => {
  test("keeps its keys, ledger, sessions, groups, device tokens and queued messages, and all can be written", async () => {
    await using upstream = await startScriptedUpstream();
    const { gateway, client, made, directory } = await startOn(version, upstream);
    await using _ = gateway;
    using __ = client;
    const ask = async (path: string, bearer: string) => {
      const response = await fetch(gateway.url + path, { headers: { authorization: `Bearer ${bearer}` } });
      return { status: response.status, body: await response.json() };
    };

    // The message that waited is asked now, and its answer stored.
    const waited = await upstream.request();
    expect(JSON.stringify(waited.body)).toMatch(/where to\?.*to Lisbon.*and when\?.*for how long\?/);
    new ChatScript(waited).text("a week").finish();
    await untilStored(directory, "a week");
    expect(JSON.stringify(await client.request("chat.history", { sessionKey: "trip" }))).toContain("to Lisbon");
    expect(await client.request("sessions.groups.list")).toMatchObject({ groups: [{ name: "Travel" }] });
    await client.request("sessions.groups.put", { names: ["Travel", "Work"] });
    expect(await client.request("sessions.groups.list")).toMatchObject({
      groups: [{ name: "Travel" }, { name: "Work" }],
    });

    expect((await ask("/ui/control-ui-config.json", made.deviceToken)).status).toBe(200);
    expect(await ask("/v1/models", made.secret)).toMatchObject({ status: 200, body: { data: [{ id: "gpt" }] } });
    const usage = async () => (await ask("/v1/usage?by=caller", made.token)).body;
    // The row of an answer is closed a moment after its end.
    await turnsUntil(async () => {
      const [line] = ((await usage()) as UsageReport).lines;
      return line?.streams === 3 && line.open === 0;
    });
    expect(await usage()).toMatchObject({ lines: [{ group: "token", streams: 3, completed: 2, lost: 1 }] });
  });
});
