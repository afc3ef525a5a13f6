/** The acceptance cases of Open Responses (openresponses.org, 2026-04-24) for its WebSocket, in our own words. */
import { expect, test } from "@jest/globals";
import { compactedAs, compactResource, responseResource } from "../../../support/recordings/open-responses.ts";
import { saidItem } from "../../../support/upstreams/responses-script.ts";
import { setUp } from "./set-up.ts";

const user = (content: string) => ({ type: "message", role: "user", content });
const text = { output: [{ type: "message", content: [{ type: "output_text", text: "Hi" }] }] };

test("websocket-response: one request, its events in order, a completed response with text", async () => {
  await using up = await setUp();
  up.client.create({ input: [user("Say hi")] });
  await up.answer("resp_1");
  expect(await up.client.next("response.completed")).toMatchObject({ response: { status: "completed", ...text } });
  const numbers = up.client.texts.map((frame) => JSON.parse(frame).sequence_number);
  expect(numbers).toEqual(numbers.map((_, at) => at));
});

test("websocket-sequential-responses: two requests on one socket, both complete", async () => {
  await using up = await setUp();
  for (const id of ["resp_1", "resp_2"]) {
    up.client.create({ input: [user("Say hi")] });
    await up.answer(id);
    expect(await up.client.next("response.completed")).toMatchObject({ response: { id, status: "completed" } });
  }
});

test("websocket-continuation: a second turn knows the first, without storage", async () => {
  await using up = await setUp();
  up.client.create({ input: [user("My word is plum")], store: false });
  await up.answer("resp_1");
  await up.client.next("response.completed");
  up.client.create({ input: [user("What is my word?")], store: false, previous_response_id: "resp_1" });
  const asked = await up.answer("resp_2");
  expect(JSON.stringify(asked.input)).toContain("My word is plum");
});

test("websocket-reconnect-store-false-recovery: a new socket does not know the id, and takes the whole conversation", async () => {
  await using up = await setUp();
  up.client.create({ input: [user("one")], store: false });
  await up.answer("resp_1");
  await up.client.next("response.completed");
  up.client.ws.close();
  const again = await up.connect();
  again.create({ input: [user("two")], store: false, previous_response_id: "resp_1" });
  expect(await again.next()).toMatchObject({ status: 400, error: { code: "previous_response_not_found" } });
  again.create({ input: [user("one"), saidItem("Hi"), user("two")], store: false });
  await up.answer("resp_2");
  expect(await again.next("response.completed")).toMatchObject({ response: { id: "resp_2" } });
});

test("websocket-previous-response-not-found: an unknown id is a structured error, and the socket goes on", async () => {
  await using up = await setUp();
  up.client.create({ input: [user("one")], store: false, previous_response_id: "resp_unknown" });
  expect(await up.client.next()).toMatchObject({
    type: "error",
    status: 400,
    error: { type: "invalid_request_error", code: "previous_response_not_found", param: "previous_response_id" },
  });
  up.client.create({ input: [user("one")], store: false });
  await up.answer("resp_1");
  expect(await up.client.next("response.completed")).toBeDefined();
});

test("websocket-failed-continuation-evicts-cache: after a failed turn the id it named is gone", async () => {
  await using up = await setUp();
  up.client.create({ input: [user("one")], store: false });
  await up.answer("resp_1");
  await up.client.next("response.completed");
  const output = { type: "function_call_output", call_id: "call_unknown", output: "{}" };
  up.client.create({ input: [output], store: false, previous_response_id: "resp_1" });
  expect(await up.client.next("error")).toMatchObject({ status: 400 });
  up.client.create({ input: [user("two")], store: false, previous_response_id: "resp_1" });
  expect(await up.client.next("error")).toMatchObject({ error: { code: "previous_response_not_found" } });
});

test("websocket-compact-new-chain: what was compacted over HTTP begins a conversation that can be continued", async () => {
  await using up = await setUp();
  const compacting = fetch(`${up.gateway.url}/v1/responses/compact`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "responses", input: [user("one"), user("two")] }),
  });
  (await up.upstream.request()).json(200, compactedAs("sealed"));
  const { output } = compactResource.parse(await (await compacting).json());
  up.client.create({ input: [...output, user("on")], store: false });
  expect((await up.answer("resp_1")).input).toEqual([...output, user("on")]);
  await up.client.next("response.completed");
  up.client.create({ input: [user("and on")], store: false, previous_response_id: "resp_1" });
  expect(JSON.stringify((await up.answer("resp_2")).input)).toContain("sealed");
});

test("a response of this gateway's own, the answer to a warm-up, has all fields", async () => {
  await using up = await setUp();
  up.client.create({ generate: false, input: [user("one")], prompt_cache_key: "mine", temperature: null });
  for (const type of ["response.created", "response.completed"]) {
    const { response } = await up.client.next(type);
    expect(responseResource.parse(response)).toMatchObject({ prompt_cache_key: "mine", store: false });
  }
});
