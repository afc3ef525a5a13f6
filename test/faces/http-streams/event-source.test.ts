import { describe, expect, test } from "@jest/globals";
import { Agent, EventSource } from "undici";
import { startCuttingProxy } from "../../support/network/cutting-proxy.ts";
import { setUp } from "./set-up.ts";

describe("a third-party EventSource", () => {
  test("receives every event once across reconnects, and does not reconnect after the end", async () => {
    await using up = await setUp();
    await using proxy = await startCuttingProxy(up.gateway.url);
    const { stream, upstream } = await up.open();
    const dispatcher = new Agent();
    const source = new EventSource(up.url(stream).replace(up.gateway.url, proxy.url), {
      node: { dispatcher, reconnectionTime: 1 },
    });
    const seen: string[] = [];
    let wanted = 0;
    let reached = () => {};
    source.onmessage = ({ data, lastEventId }) => {
      seen.push(`${lastEventId} ${data}`);
      if (seen.length >= wanted) reached();
    };
    const received = (count: number) =>
      new Promise<void>((resolve) => {
        wanted = count;
        reached = resolve;
        if (seen.length >= count) resolve();
      });
    const end = new Promise<string>((resolve) => {
      source.addEventListener("sluice.end", (event) => resolve((event as MessageEvent).data));
    });

    upstream.sse();
    for (let seq = 1; seq <= 20; seq++) {
      upstream.event(`${seq}`);
      await received(seq);
      if (seq % 4 === 0) proxy.cut();
    }
    upstream.end();
    expect(JSON.parse(await end)).toMatchObject({ type: "end", status: "completed", lastSeq: 20 });
    expect(seen).toEqual(Array.from({ length: 20 }, (_, at) => `1-${at + 1} ${at + 1}`));
    expect(proxy.connections).toBeGreaterThan(5);

    // It asks once more, is told that there is nothing to come back for, and gives up by itself.
    await new Promise<void>((closed) => {
      source.onerror = () => {
        if (source.readyState === EventSource.CLOSED) closed();
      };
    });
    await dispatcher.close();
  });
});
