import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { dialects } from "../../../src/dialects/registry.ts";
import { type EventFrame, StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway, type TestGateway } from "../../support/gateways/gateway.ts";

/** An upstream that nobody here wrote: what it takes for the providers' ways is a second opinion on ours. */
const mock = new LLMock({ port: 0 });
let gateway: TestGateway;
let client: StreamClient;

const ANSWER = "Bonjour — a longer answer, with an emoji 🙂 and several words.";
/** What the upstream is to count, in the words of all its dialects; left to itself it counts nothing, and says zeros. */
const usage = { prompt_tokens: 9, completion_tokens: 21, total_tokens: 30, input_tokens: 9, output_tokens: 21 };
const chat = (text: string) => ({ messages: [{ role: "user", content: text }] });
const BODIES = [
  ["anthropic-messages", "claude", (text: string) => ({ max_tokens: 100, ...chat(text) })],
  ["openai-chat", "gpt", (text: string) => ({ ...chat(text), stream_options: { include_usage: true } })],
  ["openai-responses", "responses", (text: string) => ({ input: [{ role: "user", content: text }] })],
] as const;

beforeAll(async () => {
  mock.onMessage("hello", { content: ANSWER, usage });
  mock.onMessage("uncounted", { content: ANSWER });
  mock.onMessage("think", { content: "Done.", reasoning: "Let me see." });
  mock.onMessage("weather", { toolCalls: [{ name: "get_weather", arguments: '{"city":"Paris"}' }] });
  mock.onMessage("busy", { error: { message: "Rate limit reached", type: "rate_limit_error" }, status: 429 });
  mock.onMessage("refuse", { error: { message: "No such model", type: "invalid_request_error" }, status: 400 });
  await mock.start();
  gateway = await startTestGateway({ upstream: mock.url });
  client = await (await StreamClient.connect(gateway.url)).hello();
});

afterAll(async () => {
  client[Symbol.dispose]();
  await gateway.close();
  await mock.stop();
});

/** What the stream meant, read by our own decoder from the frames that arrived. */
function meaning(dialect: string, events: readonly EventFrame[]) {
  const decoder = dialects.get(dialect)?.decoder();
  const read = events.map(({ event, data, raw }) =>
    decoder?.read(event, raw ? undefined : (data as never), raw ? String(data) : JSON.stringify(data)),
  );
  const joined = (of: (part: (typeof read)[number]) => string | undefined) =>
    read.map((part) => of(part) ?? "").join("");
  const calls = read.flatMap((part) => part?.toolCalls ?? []);
  return {
    text: joined((part) => part?.text),
    thinking: joined((part) => part?.thinking),
    tool: calls.map(({ name = "" }) => name).join(""),
    arguments: calls.map((call) => call.arguments ?? "").join(""),
  };
}

describe.each(BODIES)("against an independent upstream, %s", (dialect, model, body) => {
  let number = 0;
  const run = (text: string) =>
    client.run(`${model}-${++number}`, { model, body: body(text), flow: "none", retry: false });

  test("text arrives complete, with usage", async () => {
    const { events, end } = await run("hello");
    expect(meaning(dialect, events).text).toBe(ANSWER);
    expect(end).toMatchObject({ status: "completed", usage: { source: "exact", inputTokens: 9, outputTokens: 21 } });
  });

  test("usage that it does not count is estimated, whatever it reports", async () => {
    const { end } = await run("uncounted");
    expect(end).toMatchObject({ status: "completed" });
    expect(end.usage.inputTokens).toBeGreaterThan(0);
    expect(end.usage.outputTokens).toBeGreaterThan(0);
  });

  test("a tool call arrives with its name and arguments", async () => {
    const { events, end } = await run("weather");
    expect(meaning(dialect, events)).toMatchObject({ tool: "get_weather" });
    expect(JSON.parse(meaning(dialect, events).arguments)).toEqual({ city: "Paris" });
    expect(end.status).toBe("completed");
  });

  test("thinking is distinguished from text", async () => {
    const { events } = await run("think");
    expect(meaning(dialect, events)).toMatchObject({ text: "Done.", thinking: "Let me see." });
  });

  test("a 429 is upstream_rate_limited, a 400 upstream_http_error with the provider's words", async () => {
    expect((await run("busy")).end).toMatchObject({ status: "failed", error: { code: "upstream_rate_limited" } });
    const { end } = await run("refuse");
    expect(end.error).toMatchObject({ code: "upstream_http_error", details: { status: 400 } });
    expect(end.error?.message).toContain("No such model");
  });
});
