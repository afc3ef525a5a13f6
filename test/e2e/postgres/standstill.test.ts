import { expect, test } from "@jest/globals";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { ownTime } from "../../support/jest/own-time.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

describeWithPostgres("a gateway whose PostgreSQL stands still", (server) => {
  test("stops all the same, within a minute", async () => {
    await using upstream = await startScriptedUpstream();
    const { url, schema } = server().options(freshSchema());
    const gateway = await startTestGateway({
      upstream: upstream.url,
      config: { data: { store: "postgres", postgres: { url, schema } } },
    });
    const client = await OpenClawClient.dial(gateway.url);
    await client.connect();
    await client.request("chat.send", { sessionKey: "trip", message: "hello", idempotencyKey: "one" });
    new ChatScript(await upstream.request()).text("answer").finish();
    await client.ended("one");
    const backends = server()
      .ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'sluice'")
      .split("\n")
      .map(Number);
    for (const pid of backends) process.kill(pid, "SIGSTOP");
    const taken = ownTime();
    try {
      await gateway.close();
    } finally {
      for (const pid of backends) process.kill(pid, "SIGCONT");
    }
    expect(taken()).toBeLessThan(60_000);
  });
});
