import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { configFor, startSluice } from "../../support/gateways/sluice-process.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { untilQueued } from "../../support/stores/stored-text.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const newDirectory = temporaryDirectories();

const send = (client: OpenClawClient, sessionKey: string, runId: string) =>
  client.request("chat.send", { sessionKey, message: `say ${runId}`, idempotencyKey: runId });

async function connect(url: string, headers: Record<string, string> = {}) {
  const client = await OpenClawClient.dial(url, headers);
  await client.connect();
  return client;
}

test.each(["SIGTERM", "SIGKILL"] as const)(
  "messages queued at a %s run after the next start, each once",
  async (signal) => {
    await using upstream = await startScriptedUpstream();
    const directory = newDirectory();
    const config = configFor(upstream.url, { data: { store: "sqlite", directory }, limits: { lingerMs: 0 } });
    {
      await using gateway = await startSluice(config);
      using client = await connect(gateway.url);
      await send(client, "one", "a1");
      const answer = new ChatScript(await upstream.request());
      answer.text("the first");
      await send(client, "two", "b1");
      await upstream.request();
      for (const [key, runId] of [
        ["one", "a2"],
        ["two", "b2"],
        ["one", "a3"],
      ] as const)
        await send(client, key, runId);
      await untilQueued(directory, ["a2", "a3", "b2"]);
      gateway.kill(signal);
      if (signal === "SIGTERM") {
        // It waits for running answers, and begins no other.
        await client.until(() => client.payloads("shutdown").length > 0);
        answer.finish();
        expect(await client.ended("a1")).toMatchObject({ state: "final" });
        gateway.kill("SIGKILL");
      }
      await gateway.exit;
      expect(upstream.requests).toBe(2);
    }
    await using gateway = await startSluice(config);
    using client = await connect(gateway.url);
    const begun = [new ChatScript(await upstream.request()), new ChatScript(await upstream.request())];
    expect(await client.request("chat.history", { sessionKey: "one" })).toMatchObject({
      pendingInputs: { total: 1, items: [{ runId: "a3", state: "queued" }] },
      inFlightRun: { runId: "a2" },
    });
    for (const [key, runId] of [
      ["one", "a2"],
      ["two", "b2"],
      ["one", "a3"],
    ] as const) {
      expect(await send(client, key, runId)).toMatchObject({ status: "in_flight" });
    }
    for (const answer of begun) answer.text("done").finish();
    new ChatScript(await upstream.request()).text("done").finish();
    for (const runId of ["a2", "b2", "a3"]) await client.ended(runId);
    const { messages } = await client.request("chat.history", { sessionKey: "one" });
    const asked = (messages as { role: string; content: unknown }[]).filter(({ role }) => role === "user");
    expect(asked.map(({ content }) => content)).toEqual(["say a1", "say a2", "say a3"]);
    expect(upstream.requests).toBe(5);
  },
);

test("a provider key that a waiting message came with is never stored: after a restart its run ends and says so", async () => {
  const secret = "sk-own-key-of-the-caller";
  await using upstream = await startScriptedUpstream();
  const directory = newDirectory();
  const config = configFor(upstream.url, { data: { store: "sqlite", directory } });
  {
    await using gateway = await startSluice(config);
    using client = await connect(gateway.url, { "x-sluice-upstream-key": secret });
    await send(client, "one", "a1");
    await upstream.request();
    await send(client, "one", "a2");
    await untilQueued(directory, ["a2"]);
    gateway.kill("SIGKILL");
    await gateway.exit;
  }
  for (const file of readdirSync(directory)) {
    expect(readFileSync(join(directory, file)).includes(secret)).toBe(false);
  }
  await using gateway = await startSluice(config);
  using client = await connect(gateway.url);
  const { messages } = await client.request("chat.history", { sessionKey: "one" });
  expect(messages).toMatchObject([
    { content: "say a1" },
    {},
    { content: "say a2" },
    { role: "assistant", errorMessage: expect.stringMatching(/provider key .* never stored: send the message again/) },
  ]);
  expect(upstream.requests).toBe(1);
});
