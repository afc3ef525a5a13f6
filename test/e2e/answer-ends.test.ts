/** How the ends of answers look to an HTTP client of the gateway. */
import { expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const USAGE = { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13 };
const choice = (delta: object, finish: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
});

/** What a client of chat completions reads of an answer, which it did not ask to have its usage. */
async function read(answer: (exchange: ScriptedExchange) => void | Promise<void>): Promise<readonly string[]> {
  await using upstream = await startScriptedUpstream();
  upstream.respondWith(answer);
  await using gateway = await startTestGateway({ upstream: upstream.url });
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt", messages: [{ role: "user", content: "Hi" }], stream: true }),
  });
  const text = await response.text();
  return text.split("\n\n").flatMap((event) => (event.startsWith("data: ") ? [event.slice(6)] : []));
}

test("the response ends soon after the last finish reason, without a [DONE] that the provider did not send", async () => {
  let closed: Promise<unknown> | undefined;
  const events = await read((exchange) => {
    closed = exchange.closed;
    exchange
      .sse()
      .event(choice({ content: "Hi" }))
      .event(choice({}, "stop"));
  });
  expect(events).toEqual([choice({ content: "Hi" }), choice({}, "stop")].map((chunk) => JSON.stringify(chunk)));
  await closed;
});

test("the response ends with an error event if the answer is cut after it continued behind a finish reason", async () => {
  const events = await read((exchange) => {
    exchange
      .sse()
      .event(choice({ content: "" }, "stop"))
      .event(choice({ content: "The answ" }))
      .end();
  });
  expect(events).toHaveLength(3);
  expect(JSON.parse(events[2] ?? "")).toMatchObject({ error: { code: "upstream_truncated" } });
});

test("a last event without its blank line reaches the client, a cut one does not", async () => {
  const last = JSON.stringify(choice({}, "stop"));
  const whole = await read((exchange) => void exchange.sse().chunk(`data: ${last}`).end());
  expect(whole).toEqual([last]);
  const cut = await read(
    (exchange) =>
      void exchange
        .sse()
        .chunk(`data: ${last.slice(0, -3)}`)
        .end(),
  );
  expect(cut.join()).not.toContain("finish_reason");
});

test("timings beside the usage reach a client that did not ask for it, an empty choice beside it does not", async () => {
  const timings = { choices: [], usage: USAGE, timings: { predicted_n: 2 } };
  const events = await read((exchange) => {
    exchange
      .sse()
      .event(choice({ content: "Hi" }))
      .event(choice({}, "stop"));
    exchange
      .event(timings)
      .event({ choices: [{}], usage: USAGE })
      .event("[DONE]")
      .end();
  });
  expect(events.slice(2)).toEqual([JSON.stringify(timings), "[DONE]"]);
});
