import { expect, test } from "@jest/globals";
import { setUp } from "./set-up.ts";

const EVENTS = 400;
const delta = "x".repeat(4_000);

test("a client that does not read pauses the provider, and then gets everything in order", async () => {
  await using up = await setUp({ limits: { logBytes: 65_536, sockets: { socketGateBytes: 4_096 } } });
  up.client.create({ input: "Hello" });
  const exchange = (await up.upstream.request()).sse();
  up.client.ws.pause();
  let sent = 0;
  // Until neither the kernel nor the gateway takes more.
  for (; exchange.unsentBytes < 1_000_000; sent++) {
    exchange.event({ type: "response.output_text.delta", delta, sequence_number: sent });
    await new Promise((turn) => setImmediate(turn));
  }
  exchange.event({ type: "response.completed", response: { id: "resp_1", output: [] }, sequence_number: sent }).end();
  up.client.ws.resume();
  await up.client.next("response.completed");
  expect(sent).toBeGreaterThan(EVENTS);
  expect(up.client.texts.map((text) => JSON.parse(text).sequence_number)).toEqual([...Array(sent + 1).keys()]);
});
