import { expect, test } from "@jest/globals";
import { bodyOf, respond, saidItem } from "../../../support/upstreams/responses-script.ts";
import { setUp } from "./set-up.ts";

test("every event repeats its lane", async () => {
  await using up = await setUp();
  up.client.create({ input: "Hello", stream_id: 'lane "a"' });
  await up.answer("resp_1");
  await up.client.next("response.completed");
  for (const text of up.client.texts) expect(JSON.parse(text)).toMatchObject({ stream_id: 'lane "a"' });
  expect(up.client.texts.length).toBe(5);
});

test.each([["a"], [undefined]])("requests on one lane (%s) run one after the other, in order", async (lane) => {
  await using up = await setUp();
  for (const input of ["1", "2", "3"]) up.client.create({ input, stream_id: lane });
  for (const input of ["1", "2", "3"]) {
    const exchange = await up.upstream.request();
    expect(bodyOf(exchange).input).toBe(input);
    expect(up.upstream.requests).toBe(Number(input));
    respond(exchange, `resp_${input}`, [saidItem("Hi")]);
    expect(await up.client.next("response.completed")).toMatchObject({ response: { id: `resp_${input}` } });
  }
});

test("lanes run side by side, and one that ends does not wait for another", async () => {
  await using up = await setUp();
  up.client.create({ input: "slow", stream_id: "a" });
  const slow = await up.upstream.request();
  up.client.create({ input: "fast", stream_id: "b" });
  await up.answer("resp_b");
  expect(await up.client.next("response.completed")).toMatchObject({ stream_id: "b" });
  respond(slow, "resp_a", [saidItem("Hi")]);
  expect(await up.client.next("response.completed")).toMatchObject({ stream_id: "a" });
});

const limit = { type: "error", status: 400, error: { code: "websocket_stream_limit_reached" } };

test("sixteen responses run at once; the seventeenth is refused, and others continue", async () => {
  await using up = await setUp();
  for (let lane = 0; lane < 17; lane++) up.client.create({ input: "Hello", stream_id: `${lane}` });
  expect(await up.client.next()).toMatchObject({ ...limit, stream_id: "16" });
  await up.answer("resp_1");
  await up.client.next("response.completed");
  up.client.create({ input: "Hello", stream_id: "16" });
  for (let call = 0; call < 16; call++) await up.answer(`resp_${call}`);
  expect(await up.client.next("response.completed", "16")).toBeDefined();
});

test("a socket has 32 named lanes and the one without a name", async () => {
  await using up = await setUp();
  for (let lane = 0; lane < 32; lane++) {
    up.client.create({ generate: false, stream_id: `${lane}` });
    await up.client.next("response.completed");
  }
  up.client.create({ generate: false, stream_id: "32" });
  expect(await up.client.next("error")).toMatchObject(limit);
  up.client.create({ generate: false });
  expect(await up.client.next("response.completed")).not.toHaveProperty("stream_id");
});

test("a refused request leaves no lane behind", async () => {
  await using up = await setUp();
  for (let lane = 0; lane < 16; lane++) up.client.create({ input: "Hello", stream_id: `${lane}` });
  for (let lane = 16; lane < 48; lane++) {
    up.client.create({ input: "Hello", stream_id: `${lane}` });
    expect(await up.client.next("error")).toMatchObject(limit);
  }
  await up.answer("resp_1");
  await up.client.next("response.completed");
  up.client.create({ generate: false, stream_id: "new" });
  expect(await up.client.next("response.completed")).toMatchObject({ stream_id: "new" });
});

test("a lane with large events gets no more of a slow client's socket than one with small ones", async () => {
  await using up = await setUp({ limits: { sockets: { socketGateBytes: 4_096 } } });
  const begin = async (stream_id: string) => {
    up.client.create({ input: "Hello", stream_id });
    const exchange = (await up.upstream.request()).sse();
    exchange.event({ type: "response.created", response: { id: stream_id } });
    await up.client.next("response.created", stream_id);
    return exchange;
  };
  const [large, small] = [await begin("large"), await begin("small")];
  up.client.ws.pause();
  const delta = "x".repeat(50_000);
  for (let event = 0; event < 200; event++) large.event({ type: "response.output_text.delta", delta });
  for (let event = 0; event < 200; event++) small.event({ type: "response.output_text.delta", delta: "Hi" });
  small.event({ type: "response.completed", response: { id: "small", output: [] } }).end();
  large.event({ type: "response.completed", response: { id: "large", output: [] } }).end();
  up.client.ws.resume();
  await up.client.next("response.completed", "large");
  const ends = up.client.texts.flatMap((text) =>
    text.includes("response.completed") ? [JSON.parse(text).stream_id] : [],
  );
  expect(ends).toEqual(["small", "large"]);
});

test("sixteen requests may wait for their lane; the next one is refused", async () => {
  await using up = await setUp();
  for (let request = 0; request < 18; request++) up.client.create({ input: "Hello" });
  expect(await up.client.next()).toMatchObject(limit);
  for (let request = 0; request < 17; request++) {
    await up.answer(`resp_${request}`);
    await up.client.next("response.completed");
  }
  expect(up.upstream.requests).toBe(17);
});

test.each([[""], ["x".repeat(65)], [7]])("a lane named %j is refused", async (stream_id) => {
  await using up = await setUp();
  up.client.create({ input: "Hello", stream_id });
  expect(await up.client.next()).toMatchObject({ type: "error", error: { gateway_code: "bad_request" } });
});

test("a socket that closes cancels what runs on it and forgets what waits", async () => {
  await using up = await setUp();
  up.client.create({ input: "1" });
  up.client.create({ input: "2" });
  const exchange = await up.upstream.request();
  exchange.sse();
  up.client.ws.close();
  await exchange.closed;
  await using other = await setUp();
  expect(other.upstream.requests).toBe(0);
  expect(up.upstream.requests).toBe(1);
});
