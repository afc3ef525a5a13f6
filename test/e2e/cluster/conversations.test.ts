import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { sendSoon } from "../../support/cluster/send-soon.ts";
import { startNode } from "../../support/nodes/cluster-nodes.ts";
import { OpenClawClient, type Payload } from "../../support/openclaw/openclaw-client.ts";
import { describeWithRedis, type TestRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const newDirectory = temporaryDirectories();

/** Two nodes over one upstream, of which the first leads. */
async function setUp(redis: TestRedis, more: object = {}) {
  await using made = new AsyncDisposableStack();
  const upstream = made.use(await startScriptedUpstream());
  const options = {
    upstream: upstream.url,
    prefix: randomUUID().slice(0, 8),
    directory: newDirectory(),
    models: { gpt: { route: "chat", model: "gpt-test" } },
    ...more,
  };
  const first = made.use(await startNode(redis, options));
  const second = made.use(await startNode(redis, options));
  const stack = made.move();
  return { upstream, first, second, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function page(url: string): Promise<OpenClawClient> {
  const client = await OpenClawClient.dial(url);
  await client.connect();
  return client;
}

/** A list of sessions without when each was made. */
const withoutTimes = ({ sessions }: Payload = {}) =>
  (sessions as readonly Payload[]).map(({ snapshotAt: _, ...row }) => row);

/** Connects until a node serves conversations again. */
async function pageSoon(url: string): Promise<OpenClawClient> {
  for (;;) {
    const client = await page(url).catch(() => undefined);
    if (client) return client;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What a node's metrics say of conversations. */
async function figures({ url }: { readonly url: string }): Promise<string> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return ["leads", "forwarded"]
    .map((name) => `${name} ${new RegExp(`^sluice_cluster_${name} (.*)$`, "m").exec(metrics)?.[1]}`)
    .join(" ");
}

describeWithRedis("conversations on two nodes", (redis) => {
  test("are the same: sessions, the running answer, the queue, and Stop", async () => {
    await using up = await setUp(redis());
    using here = await page(up.first.url);
    using there = await page(up.second.url);
    await sendSoon(there, "a1");
    const answer = new ChatScript(await up.upstream.request());
    answer.text("Once upon ");
    await here.until(() => here.textOf("a1") === "Once upon ");
    expect(await Promise.all([up.first, up.second].map(figures))).toEqual([
      "leads 1 forwarded 0",
      "leads 0 forwarded 1",
    ]);
    await sendSoon(here, "a2");
    answer.text("a time");
    await there.until(() => there.textOf("a1") === "Once upon a time");
    expect(await there.request("chat.history", { sessionKey: "main" })).toMatchObject({
      inFlightRun: { runId: "a1" },
      pendingInputs: { total: 1, items: [{ runId: "a2", state: "queued" }] },
    });
    await there.request("chat.abort", { sessionKey: "main", runId: "a1" });
    expect(await here.ended("a1")).toMatchObject({ state: "aborted" });
    new ChatScript(await up.upstream.request()).text("Later").finish();
    expect(await there.ended("a2")).toMatchObject({ state: "final" });
    const sessions = await Promise.all([here, there].map((client) => client.request("sessions.list", {})));
    expect(withoutTimes(sessions[0])).toEqual(withoutTimes(sessions[1]));
    expect(up.upstream.requests).toBe(2);
  });

  test("go on at the other when the node that served them leaves, and what waited runs there", async () => {
    await using up = await setUp(redis());
    using here = await page(up.first.url);
    await sendSoon(here, "a1");
    const answer = new ChatScript(await up.upstream.request());
    answer.text("Once upon a time");
    await here.until(() => here.textOf("a1") === "Once upon a time");
    await sendSoon(here, "a2");
    await up.first.close("SIGTERM");
    using there = await pageSoon(up.second.url);
    const later = new ChatScript(await up.upstream.request());
    later.text("Later").finish();
    expect(await there.ended("a2")).toMatchObject({ state: "final" });
    const { messages } = await there.request("chat.history", { sessionKey: "main" });
    expect(JSON.stringify(messages)).toContain("Once upon a time");
    expect(JSON.stringify(messages)).toContain("Later");
    expect(up.upstream.requests).toBe(2);
  });

  test("are shown to a page that is opened at the other while the node that serves them leaves", async () => {
    await using up = await setUp(redis(), { limits: { drainMs: 600_000 } });
    using here = await page(up.first.url);
    await sendSoon(here, "a1");
    const answer = new ChatScript(await up.upstream.request());
    answer.text("Once upon ");
    await here.until(() => here.textOf("a1") === "Once upon ");
    const left = up.first.close("SIGTERM");
    await here.until(() => here.payloads("shutdown").length > 0);
    await expect(page(up.first.url)).rejects.toThrow("503");
    using there = await page(up.second.url);
    expect(await there.request("chat.history", { sessionKey: "main" })).toMatchObject({
      inFlightRun: { runId: "a1", text: "Once upon " },
    });
    answer.text("a time").finish();
    expect(await there.ended("a1")).toMatchObject({ state: "final" });
    await left;
  });
});
