import { expect, jest, test } from "@jest/globals";
import { InboundBudget } from "../../../../src/core/caller/inbound-budget.ts";
import { Lanes, type Waiting } from "../../../../src/faces/api/socket/lanes.ts";
import type { ResponseReader } from "../../../../src/faces/api/socket/response-reader.ts";
import { ResponsesSocketClient } from "../../../support/clients/responses-socket-client.ts";
import { startKeyedGateway } from "../../../support/gateways/keyed-gateway.ts";
import { temporaryDirectories } from "../../../support/stores/temporary-directory.ts";
import { respond, saidItem } from "../../../support/upstreams/responses-script.ts";
import { setUp } from "./set-up.ts";

const directory = temporaryDirectories();

/** Lanes whose responses never end by themselves, and the budget that their waiting requests take from. */
function lanes() {
  const budget = new InboundBudget({ maxBytes: 100, maxBytesEach: 100 });
  const start = () => ({}) as ResponseReader;
  return { budget, lanes: new Lanes(1_000, ({ size }) => budget.reserve("caller", size), start) };
}

const request = (size: number): Waiting => ({
  frame: { type: "create", body: {}, lane: "a", generate: true, previousId: undefined },
  size,
  receivedAt: 0,
});

test("requests that wait for their lane take the memory of requests, and give it back as they start", () => {
  const { budget, lanes: one } = lanes();
  one.submit(request(90));
  expect(budget.usedBytes).toBe(0);
  one.submit(request(60));
  one.submit(request(30));
  expect(budget.usedBytes).toBe(90);
  expect(() => one.submit(request(20))).toThrow("unfinished requests");
  expect(budget.usedBytes).toBe(90);
  one.over("a");
  expect(budget.usedBytes).toBe(30);
  one.over("a");
  one.over("a");
  expect(budget.usedBytes).toBe(0);
});

test("requests that wait when their socket closes give their memory back", () => {
  const { budget, lanes: one } = lanes();
  for (const size of [10, 20, 30]) one.submit(request(size));
  one.close();
  expect(budget.usedBytes).toBe(0);
});

test("a request that finds no memory to wait in is refused as overloaded", async () => {
  const limits = { apiBodyBytes: 1_048_576, inboundBytes: 2 * 1_048_576 };
  const frames = { openclawFrameBytes: 65_536, streamFrameBytes: 65_536 };
  await using up = await setUp({ limits: { ...limits, requests: frames } });
  const other = await up.connect();
  for (const client of [up.client, other]) {
    client.create({ input: "first" });
    (await up.upstream.request()).sse().event({ type: "response.created", response: { id: "resp_1" } });
    await client.next("response.created");
  }
  up.client.create({ input: "x".repeat(1_000_000) });
  // Frames are handled in order.
  up.client.send({ type: "response.steer" });
  await up.client.next("response.steer.failed");
  // Many small values take more memory than their characters.
  other.create({ input: Array.from({ length: 100_000 }, () => 1) });
  expect(await other.next()).toMatchObject({ type: "error", status: 503, error: { gateway_code: "overloaded" } });
});

test("the conversation of a response that runs counts in the memory of all sockets", async () => {
  await using up = await setUp({ limits: { requests: { responsesMemoryBytes: 100_000 } } });
  const other = await up.connect();
  const text = "x".repeat(60_000);
  up.client.create({ input: text });
  const first = await up.upstream.request();
  other.create({ input: text });
  const second = await up.upstream.request();
  respond(first, "resp_1", [saidItem("Hi")]);
  await up.client.next("response.completed");
  respond(second, "resp_2", [saidItem("Hi")]);
  await other.next("response.completed");
  up.client.create({ input: "more", previous_response_id: "resp_1" });
  expect(await up.client.next("error")).toMatchObject({ error: { code: "previous_response_not_found" } });
  other.create({ input: "more", previous_response_id: "resp_2" });
  await up.answer("resp_3");
  await other.next("response.completed");
});

test("one caller's conversations push out none of another's", async () => {
  const limits = { requests: { responsesMemoryBytes: 100_000, authFailuresPerMinute: 10_000 } };
  await using gateway = await startKeyedGateway(directory(), undefined, { limits });
  using modest = await ResponsesSocketClient.connect(gateway.url, await gateway.makeKey("modest"));
  using greedy = await ResponsesSocketClient.connect(gateway.url, await gateway.makeKey("greedy"));
  const warmUp = async (client: ResponsesSocketClient, fields: object) => {
    client.create({ generate: false, ...fields });
    const { response } = await client.next("response.completed");
    return (response as { id: string }).id;
  };
  const input = "x".repeat(30_000);
  const mine = await warmUp(modest, { input });
  const theirs = await warmUp(greedy, { input, stream_id: "0" });
  for (let lane = 1; lane < 10; lane++) await warmUp(greedy, { input, stream_id: `${lane}` });
  greedy.create({ generate: false, previous_response_id: theirs });
  expect(await greedy.next("error")).toMatchObject({ error: { code: "previous_response_not_found" } });
  expect(await warmUp(modest, { input: "on", previous_response_id: mine })).toBeDefined();
});

test("the finished items of a response that runs count too", async () => {
  await using up = await setUp({ limits: { requests: { responsesMemoryBytes: 100_000 } } });
  up.client.create({ input: "Hello" });
  const exchange = (await up.upstream.request()).sse();
  exchange.event({ type: "response.created", response: { id: "resp_1" } });
  for (let item = 0; item < 4; item++) {
    exchange.event({ type: "response.output_item.done", item: saidItem("x".repeat(30_000)) });
  }
  exchange.event({ type: "response.completed", response: { id: "resp_1" } }).end();
  await up.client.next("response.completed");
  up.client.create({ input: "more", previous_response_id: "resp_1" });
  expect(await up.client.next("error")).toMatchObject({ error: { code: "previous_response_not_found" } });
});

test("a long first event is read once, however often a client names responses", async () => {
  await using up = await setUp();
  up.client.create({ input: "Hello" });
  const exchange = (await up.upstream.request()).sse();
  exchange.event({ type: "response.created", response: { id: "resp_1", instructions: "x".repeat(200_000) } });
  exchange.event({ type: "response.output_text.delta", delta: "Hi" });
  await up.client.next("response.output_text.delta");
  const parse = jest.spyOn(JSON, "parse");
  for (let time = 0; time < 50; time++) up.client.send({ type: "response.cancel", response_id: "resp_2" });
  up.client.send({ type: "response.cancel", response_id: "resp_1" });
  await up.client.next("response.failed");
  const long = parse.mock.calls.filter(([text]) => text.length > 200_000).length;
  parse.mockRestore();
  // Once for the id, and once more for the failure's own event.
  expect(long).toBeLessThanOrEqual(4);
});
