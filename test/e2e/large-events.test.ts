/** Events larger than a stream's log, from the provider to clients of each kind, with default limits. */
import { describe, expect, test } from "@jest/globals";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const MIB = 1_048_576;
const said = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });
const LAST = {
  choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 2 },
};

/** A gateway whose upstream says two pictures of so many MiB, and something before, between and behind. */
async function setUp(mib: number) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const gateway = stack.use(await startTestGateway({ upstream: upstream.url }));
  const sent = ["a", "A".repeat(mib * MIB), "b", "é".repeat((mib * MIB) / 2), "c"].map(said);
  upstream.respondWith((exchange) => {
    exchange.sse();
    for (const event of sent) exchange.event(event);
    exchange.event(LAST).event("[DONE]").end();
  });
  const usedBytes = async () => {
    const page = await (await fetch(`${gateway.url}/metrics`)).text();
    return Number(/^sluice_log_bytes (\d+)/m.exec(page)?.[1]);
  };
  return { gateway, usedBytes, sent, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("an event that is larger than the log of its stream", () => {
  test.each([2, 15])(
    "of %i MiB reaches a client of the stream face, with acknowledgements and without",
    async (mib) => {
      await using up = await setUp(mib);
      for (const flow of ["none", "ack"] as const) {
        const client = await (await StreamClient.connect(up.gateway.url)).hello();
        client.send({ type: "open", id: "a", model: "gpt", body: { messages: [] }, flow });
        const data: unknown[] = [];
        // The hello was the first.
        let received = 1;
        for (;;) {
          const frame = await client.next();
          received++;
          if (frame.type === "event") {
            data.push(frame.data);
            if (flow === "ack") client.send({ type: "ack", received, streams: { a: frame.seq } });
          }
          if (frame.type !== "end") continue;
          expect([frame.status, frame.usage.source]).toEqual(["completed", "exact"]);
          break;
        }
        expect(data.slice(0, 5)).toEqual(up.sent);
        client.close();
        await client.closed;
      }
    },
  );

  test("reaches a client of the vendor's API", async () => {
    await using up = await setUp(15);
    const answer = await fetch(`${up.gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "gpt", stream: true, messages: [] }),
    });
    const events = (await answer.text()).split("\n\n").map((event) => event.replace(/^data: /, ""));
    expect(events.slice(0, 5)).toEqual(up.sent.map((event) => JSON.stringify(event)));
    expect(events.at(-2)).toBe("[DONE]");
  });
});
