import { setTimeout as passed } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { StreamClient } from "../support/clients/stream-client.ts";
import { configFor, startSluice } from "../support/gateways/sluice-process.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const IDLE_MS = 2_000;

test("a gateway stopped for longer than any limit fails no stream, whether bytes arrived meanwhile or afterwards", async () => {
  await using upstream = await startScriptedUpstream();
  const route = { dialect: "plain-sse", baseUrl: upstream.url, timeouts: { idleMs: IDLE_MS } };
  await using gateway = await startSluice({ ...configFor(""), routes: { plain: route }, models: {}, demo: true });
  using client = await (await StreamClient.connect(gateway.url)).hello();
  const exchanges = [];
  for (const id of ["meanwhile", "behind"]) {
    client.send({ type: "open", id, route: "plain", body: {} });
    await client.next();
    const exchange = (await upstream.request()).sse().event("one");
    await client.next();
    exchanges.push(exchange);
  }
  const [meanwhile, behind] = exchanges;
  gateway.kill("SIGSTOP");
  meanwhile?.event("two").end();
  // It is the process that has to stand still, for a time of its own clock.
  await passed(2 * IDLE_MS);
  gateway.kill("SIGCONT");
  const first = await client.rest("meanwhile");
  behind?.event("two").end();
  const second = await client.rest("behind");
  for (const { events, end } of [first, second]) {
    expect(events.map(({ data }) => data)).toEqual(["two"]);
    expect(end).toMatchObject({ status: "completed", lastSeq: 2 });
  }
});
