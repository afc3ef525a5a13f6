import { describe, expect, test } from "@jest/globals";
import { startCall } from "../../support/clients/loopback-call.ts";
import { WAYS } from "../../support/jest/ways.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

describe.each(WAYS)("connections, %s", (_way, openUpstream) => {
  test("are used again", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    upstream.respondWith((exchange) => void exchange.sse().event("one").end());
    for (let call = 0; call < 6; call++) expect(await startCall(client).sink.done).toBeUndefined();
    expect(upstream.connections).toBe(1);
  });

  test("are used again after an error that was read to its end", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    upstream.respondWith((exchange) => void exchange.json(400, { error: { message: "no" } }));
    for (let call = 0; call < 6; call++) await startCall(client).sink.done;
    expect(upstream.connections).toBe(1);
  });

  test("carry one call each", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url);
    const calls = Array.from({ length: 4 }, () => startCall(client));
    const exchanges = await Promise.all(calls.map(() => upstream.request()));
    expect(upstream.connections).toBe(4);
    for (const exchange of exchanges) exchange.sse().event("one").end();
    for (const { sink } of calls) expect(await sink.done).toBeUndefined();
  });

  test("that are all in use make a call wait, and fail it in time", async () => {
    await using upstream = await startScriptedUpstream();
    await using client = openUpstream(upstream.url, { maxConnections: 1, timeouts: { connectMs: 500 } });
    const first = startCall(client);
    const exchange = await upstream.request();
    const late = startCall(client);
    expect(await late.sink.done).toMatchObject({ code: "overloaded", details: { timer: "connect" } });
    exchange.sse().event("one").end();
    expect(await first.sink.done).toBeUndefined();
    const third = startCall(client);
    (await upstream.request()).sse().event("two").end();
    expect(await third.sink.done).toBeUndefined();
    expect(upstream).toMatchObject({ connections: 1, requests: 2 });
  });

  test("are closed with the upstream client, and running calls fail", async () => {
    await using upstream = await startScriptedUpstream();
    const client = openUpstream(upstream.url);
    const { sink } = startCall(client);
    const exchange = await upstream.request();
    exchange.sse().event("one");
    await sink.received(1);
    await client.close();
    expect(await sink.done).toMatchObject({ code: "shutting_down" });
    await exchange.closed;
    expect(await startCall(client).sink.done).toMatchObject({ code: "shutting_down" });
  });
});
