/**
 * The acceptance cases of Open Responses (openresponses.org, 2026-04-24) for HTTP, in our own words: what a client sends
 * reaches the provider as it is, and the provider's answer the client, with every field that the specification demands.
 */
import { expect, test } from "@jest/globals";
import { createParser } from "eventsource-parser";
import { compactedAs, compactResource, resourceOf, responseResource } from "../../support/recordings/open-responses.ts";
import { responseEvents, saidItem } from "../../support/upstreams/responses-script.ts";
import { setUp } from "./set-up.ts";

type Rig = Awaited<ReturnType<typeof setUp>>;

const user = (content: unknown) => ({ type: "message", role: "user", content });

/** Asks for a response in one piece: what the provider was asked, and what the client got. */
async function ask(up: Rig, body: object, output: readonly object[] = [saidItem("Hi")], fields: object = {}) {
  const asking = up.post({ path: "/v1/responses", body: { model: "responses", ...body } });
  const exchange = await up.upstream.request();
  exchange.json(200, resourceOf("resp_1", output, fields));
  const { status, text } = await asking;
  return { asked: JSON.parse(exchange.body), status, response: responseResource.parse(JSON.parse(text)) };
}

function readEvents(text: string) {
  const events: { readonly event: string | undefined; readonly data: Record<string, unknown> }[] = [];
  createParser({ onEvent: ({ event, data }) => events.push({ event, data: JSON.parse(data) }) }).feed(text);
  return events;
}

test("basic-response: a message gets a completed response with all its fields", async () => {
  await using up = await setUp();
  const input = [user("Say hello")];
  const { asked, status, response } = await ask(up, { input });
  expect([status, response.status, response.output.length]).toEqual([200, "completed", 1]);
  expect(asked).toEqual({ model: "responses-test", input, stream: false });
});

test("assistant-phase: the phases of earlier messages reach the provider", async () => {
  await using up = await setUp();
  const input = [
    { type: "message", role: "assistant", phase: "commentary", content: "I look it up." },
    { type: "message", role: "assistant", phase: "final_answer", content: "Nine." },
    user("Once more, the number only."),
  ];
  const { asked, response } = await ask(up, { input });
  expect([asked.input, response.status]).toEqual([input, "completed"]);
});

test("response-output-phase-schema: the phases of a response's messages reach the client", async () => {
  await using up = await setUp();
  const output = [
    { ...saidItem("I look it up.", "msg_1"), phase: "commentary" },
    { ...saidItem("Nine.", "msg_2"), phase: "final_answer" },
  ];
  const { response } = await ask(up, { input: [user("Which number?")] }, output);
  expect(response.output).toMatchObject([{ phase: "commentary" }, { phase: "final_answer" }]);
});

test("streaming-response: named events in order, numbered one by one, and a completed response last", async () => {
  await using up = await setUp();
  const events = responseEvents("resp_1", [saidItem("Hi")]).map((event) =>
    event.type === "response.completed" ? { ...event, response: resourceOf("resp_1", [saidItem("Hi")]) } : event,
  );
  const asking = up.post({ path: "/v1/responses", body: { model: "responses", stream: true, input: [user("Count")] } });
  const exchange = (await up.upstream.request()).sse();
  for (const event of events) exchange.event(event, String(event.type));
  exchange.end();
  const { headers, text } = await asking;
  expect(headers.get("content-type")).toContain("text/event-stream");
  const received = readEvents(text);
  expect(received.map(({ event, data }) => [event, data])).toEqual(events.map((event) => [event.type, event]));
  expect(received.map(({ data }) => data.sequence_number)).toEqual(events.map((_, at) => at));
  expect(responseResource.parse(received.at(-1)?.data.response).status).toBe("completed");
});

test("streaming-response: one that its provider breaks off ends with a response that has all fields as well", async () => {
  await using up = await setUp();
  const asking = up.post({ path: "/v1/responses", body: { model: "responses", stream: true, input: [user("Count")] } });
  const exchange = (await up.upstream.request()).sse();
  const begun = resourceOf("resp_1", [], { status: "in_progress", completed_at: null, usage: null });
  exchange.event({ type: "response.created", response: begun, sequence_number: 0 }, "response.created");
  exchange.event({ type: "response.output_text.delta", delta: "Hi", sequence_number: 1 });
  exchange.reset();
  const last = readEvents((await asking).text).at(-1)?.data;
  expect(last).toMatchObject({ type: "response.failed", sequence_number: 2 });
  expect(responseResource.parse(last?.response)).toMatchObject({ id: "resp_1", status: "failed", completed_at: null });
});

test("system-prompt: a system message reaches the provider first", async () => {
  await using up = await setUp();
  const input = [{ type: "message", role: "system", content: "Talk like a sailor." }, user("Hello")];
  const { asked, response } = await ask(up, { input });
  expect([asked.input, response.status]).toEqual([input, "completed"]);
});

test("tool-calling: a function's definition reaches the provider, its call the client, and the echo stays whole", async () => {
  await using up = await setUp();
  const parameters = { type: "object", properties: { place: { type: "string" } }, required: ["place"] };
  const tools = [{ type: "function", name: "look_up_weather", description: "The weather at a place", parameters }];
  const call = { type: "function_call", name: "look_up_weather", arguments: '{"place":"Bergen"}' };
  const output = [{ ...call, id: "fc_1", call_id: "call_1", status: "completed" }];
  const echo = { tools: tools.map((tool) => ({ ...tool, strict: true })) };
  const { asked, response } = await ask(up, { input: [user("Weather in Bergen?")], tools }, output, echo);
  expect(asked.tools).toEqual(tools);
  expect(response).toMatchObject({ output: [call], tools: echo.tools });
});

test("image-input: a picture within a message reaches the provider byte for byte", async () => {
  await using up = await setUp();
  const image_url = `data:image/png;base64,${Buffer.from("a picture").toString("base64")}`;
  const input = [
    user([
      { type: "input_text", text: "What is it?" },
      { type: "input_image", image_url },
    ]),
  ];
  const { asked, response } = await ask(up, { input });
  expect([asked.input, response.status]).toEqual([input, "completed"]);
});

test("multi-turn: a conversation reaches the provider in order", async () => {
  await using up = await setUp();
  const input = [user("I am Ada."), { type: "message", role: "assistant", content: "Hello Ada." }, user("Who am I?")];
  const { asked, response } = await ask(up, { input });
  expect([asked.input, response.status]).toEqual([input, "completed"]);
});

test("compact-response: a conversation comes back compacted, and its cache key reaches the provider", async () => {
  await using up = await setUp();
  const input = [user("We meet on Monday."), { type: "message", role: "assistant", content: "Noted." }];
  const body = { model: "responses", prompt_cache_key: "meetings", input };
  const asking = up.post({ path: "/v1/responses/compact", body });
  const exchange = await up.upstream.request();
  exchange.json(200, compactedAs("sealed"));
  const { status, text } = await asking;
  expect(JSON.parse(exchange.body)).toEqual({ ...body, model: "responses-test" });
  expect([status, compactResource.parse(JSON.parse(text)).output[0]?.type]).toEqual([200, "compaction"]);
});

test("compact-missing-model: without a model it is a 400 that says so, and no provider is asked", async () => {
  await using up = await setUp();
  const { status, text } = await up.post({ path: "/v1/responses/compact", body: { input: [user("Compact this.")] } });
  expect([status, JSON.parse(text).error]).toEqual([
    400,
    expect.objectContaining({ type: "invalid_request_error", message: expect.stringContaining("model") }),
  ]);
  expect(up.upstream.requests).toBe(0);
});
