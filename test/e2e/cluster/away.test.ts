import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { startBreakingProxy } from "../../support/cluster/breaking-proxy.ts";
import { sendSoon } from "../../support/cluster/send-soon.ts";
import { startTestGateway, type TestGateway } from "../../support/gateways/gateway.ts";
import { OpenClawClient, ResponseError } from "../../support/openclaw/openclaw-client.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const ask = (client: OpenClawClient, runId: string, sessionKey = "main") =>
  client.request("chat.send", { sessionKey, message: `say ${runId}`, idempotencyKey: runId });

async function page({ url }: TestGateway): Promise<OpenClawClient> {
  const client = await OpenClawClient.dial(url);
  await client.connect();
  return client;
}

describeWithRedis("conversations of a cluster", (redis) => {
  describeWithPostgres("on PostgreSQL", (postgres) => {
    async function setUp() {
      await using made = new AsyncDisposableStack();
      const upstream = made.use(await startScriptedUpstream());
      const toRedis = made.use(await startBreakingProxy(redis().port));
      const schema = freshSchema();
      const config = {
        data: { store: "postgres", postgres: { url: postgres().url, schema } },
        cluster: { redis: { url: `redis://127.0.0.1:${toRedis.port}`, prefix: randomUUID().slice(0, 8) } },
        models: { gpt: { route: "chat", model: "gpt-test" } },
        // A fast machine asks a thousand questions before a lease has lapsed.
        limits: { opensPerSecond: 100_000, streams: { opensBurst: 100_000 } },
      };
      const stack = made.move();
      return {
        upstream,
        toRedis,
        schema,
        /** Starts a node. The first leads. */
        node: async () => stack.use(await startTestGateway({ upstream: upstream.url, config })),
        [Symbol.asyncDispose]: () => stack.disposeAsync(),
      };
    }

    test("go on while Redis is away; later questions are refused, and what waited runs once it is back", async () => {
      await using up = await setUp();
      await up.node();
      using client = await page(await up.node());
      await sendSoon(client, "a1");
      const running = new ChatScript(await up.upstream.request());
      running.text("Once upon ");
      await client.until(() => client.textOf("a1") === "Once upon ");
      await sendSoon(client, "a2");
      up.toRedis.cut();
      // Until its lease has lapsed, the node that leads takes more.
      for (let more = 1; ; more++) {
        const refused = await ask(client, `b${more}`, `b${more}`).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (refused) {
          expect(refused).toBeInstanceOf(ResponseError);
          const details = { code: "cluster_unavailable" };
          expect(refused).toMatchObject({ error: { code: "UNAVAILABLE", retryable: true, details } });
          break;
        }
        new ChatScript(await up.upstream.request()).text("yes").finish();
        await client.ended(`b${more}`);
      }
      const asked = up.upstream.requests;
      running.text("a time").finish();
      expect(await client.ended("a1")).toMatchObject({ state: "final" });
      expect(up.upstream.requests).toBe(asked);
      up.toRedis.letGo();
      new ChatScript(await up.upstream.request()).text("Later").finish();
      expect(await client.ended("a2")).toMatchObject({ state: "final" });
      expect(up.upstream.requests).toBe(asked + 1);
    });

    test("are served as soon as the node that leads can read them, if it could not when it began", async () => {
      await using up = await setUp();
      const before = await up.node();
      {
        using client = await page(before);
        await sendSoon(client, "a1");
        new ChatScript(await up.upstream.request()).text("Once upon a time").finish();
        await client.ended("a1");
      }
      await before.close("SIGTERM");
      const rename = (name: string, to: string) => postgres().ask(`ALTER TABLE ${up.schema}.${name} RENAME TO ${to}`);
      rename("documents", "elsewhere");
      const node = await up.node();
      expect(node.log.lines).toContainEqual(
        expect.objectContaining({ event: "fault", where: "cluster.openclaw", code: "store_unavailable" }),
      );
      const connecting = page(node);
      rename("elsewhere", "documents");
      using client = await connecting;
      const { messages } = await client.request("chat.history", { sessionKey: "main" });
      expect(JSON.stringify(messages)).toContain("Once upon a time");
      await sendSoon(client, "a2");
      new ChatScript(await up.upstream.request()).text("Later").finish();
      expect(await client.ended("a2")).toMatchObject({ state: "final" });
      expect(up.upstream.requests).toBe(2);
    });
  });
});
