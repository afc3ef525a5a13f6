/** An outage of PostgreSQL is one line when it begins and one when it ends, whoever notices it: no fault of the gateway. */
import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { startTestGateway, type TestGateway } from "../../support/gateways/gateway.ts";
import { configFor, startSluice } from "../../support/gateways/sluice-process.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const linesOf = ({ log }: TestGateway, event: string) => log.lines.filter((line) => line.event === event);

describeWithRedis("an outage of the store", (redis) => {
  describeWithPostgres("in PostgreSQL", (postgres) => {
    test("is no fault for a node that clears a dead one away, takes the lead and reads sessions meanwhile", async () => {
      await using upstream = await startScriptedUpstream();
      const config = {
        data: { store: "postgres", postgres: { url: postgres().url, schema: freshSchema() } },
        cluster: { redis: { url: redis().url, prefix: randomUUID().slice(0, 8) } },
        caps: { tokensPerDay: 1_000_000 },
        metrics: { enabled: true },
      };
      await using dying = await startSluice({ ...configFor(upstream.url), ...config });
      await using living = await startTestGateway({ upstream: upstream.url, config });
      {
        using client = await OpenClawClient.dial(dying.url);
        await client.connect();
        await client.request("chat.send", { sessionKey: "main", message: "one", idempotencyKey: "r1" });
        new ChatScript(await upstream.request()).text("first").finish();
        await client.ended("r1");
      }
      // Where it is busy, a server may seem to be away before that.
      await turnsUntil(() => linesOf(living, "store").at(-1)?.state !== "away");
      const before = linesOf(living, "store").length;
      await postgres().kill();
      dying.kill("SIGKILL");
      await dying.exit;
      await turnsUntil(() => linesOf(living, "cluster").some(({ isHere }) => isHere === true));
      // After ten seconds, as long as the node tries to read the sessions before it tries again.
      await expect(OpenClawClient.dial(living.url)).rejects.toThrow("503");
      await postgres().resume();
      await turnsUntil(() => linesOf(living, "cluster").some(({ state }) => state === "node_gone"));
      using client = await OpenClawClient.dial(living.url);
      await client.connect();
      await turnsUntil(() => linesOf(living, "store").length > before + 1);
      expect(linesOf(living, "fault")).toEqual([]);
      expect(linesOf(living, "store").slice(before, before + 2)).toEqual([
        expect.objectContaining({
          state: "away",
          level: "error",
          code: "store_unavailable",
          reason: expect.any(String),
        }),
        expect.objectContaining({ state: "back", level: "info", awayMs: expect.any(Number) }),
      ]);
      expect(await (await fetch(`${living.url}/metrics`)).text()).not.toMatch(/^sluice_faults_total\{/m);
    });
  });
});
