import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as after } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { sendSoon } from "../../support/cluster/send-soon.ts";
import { freeze } from "../../support/gateways/freeze.ts";
import { leaderOf } from "../../support/gateways/gateway-lives.ts";
import { configFor, type SluiceProcess, startSluice } from "../../support/gateways/sluice-process.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { describeWithRedis, type TestRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const newDirectory = temporaryDirectories();

/** Two nodes as processes, of which the first leads. */
async function setUp(redis: TestRedis) {
  await using made = new AsyncDisposableStack();
  const upstream = made.use(await startScriptedUpstream());
  const directory = newDirectory();
  const config = configFor(upstream.url, {
    data: { store: "sqlite", directory, shared: true },
    cluster: { redis: { url: redis.url, prefix: randomUUID().slice(0, 8) } },
  });
  const first = made.use(await startSluice(config));
  await leaderOf([first]);
  const second = made.use(await startSluice(config));
  const stack = made.move();
  return { upstream, directory, first, second, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** A page of a node, as soon as the node can be spoken to. */
async function page({ url }: SluiceProcess): Promise<OpenClawClient> {
  for (;;) {
    try {
      const client = await OpenClawClient.dial(url);
      await client.connect();
      return client;
    } catch (error) {
      if (!/Unexpected server response: 503/.test(String(error))) throw error;
      await after(50);
    }
  }
}

/** The stored messages of all sessions: whose, of which run, and their text. */
function stored(directory: string): string[] {
  using database = new DatabaseSync(join(directory, "sluice.db"), { readOnly: true });
  return database
    .prepare("SELECT record FROM messages ORDER BY seq")
    .all()
    .map(({ record }) => JSON.parse(String(record)))
    .map(
      ({ role, runId, content }) => `${role} ${runId} ${content.map(({ text }: { text: string }) => text).join("")}`,
    );
}

describeWithRedis("the node that serves conversations", (redis) => {
  test("when it was frozen, finds that another serves them, and neither repeats nor destroys what that one did", async () => {
    await using up = await setUp(redis());
    using before = await page(up.second);
    await sendSoon(before, "a1");
    const cut = new ChatScript(await up.upstream.request());
    cut.text("Once upon ");
    await before.until(() => before.textOf("a1") === "Once upon ");
    await sendSoon(before, "a2");
    using own = await page(up.first);
    await freeze(up.first.pid, up.directory);
    // Though the frozen node closes nothing.
    await before.untilClosed();
    expect(await leaderOf([up.second])).toBe(up.second);
    using there = await page(up.second);
    const later = new ChatScript(await up.upstream.request());
    later.text("Later").finish();
    expect(await there.ended("a2")).toMatchObject({ state: "final" });
    // The frozen node finds it all when it wakes.
    cut.text("a time").finish();
    up.first.kill("SIGCONT");
    expect(await own.untilClosed()).toMatchObject({ code: 1012 });
    using again = await page(up.first);
    await sendSoon(again, "a3");
    new ChatScript(await up.upstream.request()).text("Last").finish();
    expect(await there.ended("a3")).toMatchObject({ state: "final" });
    expect(up.upstream.requests).toBe(3);
    up.second.kill("SIGTERM");
    await up.second.exit;
    expect(stored(up.directory)).toEqual([
      "user a1 say a1",
      expect.stringMatching(/^assistant a1 (Once upon )?(a time)?$/),
      "user a2 say a2",
      "assistant a2 Later",
      "user a3 say a3",
      "assistant a3 Last",
    ]);
  });
});
