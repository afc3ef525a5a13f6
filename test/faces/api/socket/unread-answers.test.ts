import { expect, test } from "@jest/globals";
import { setUp } from "./set-up.ts";

/** Their answers are more than the kernel keeps for a socket. */
const FRAMES = 6_000;
const steer = { type: "response.steer", previous_response_id: "resp_unknown", input: "x".repeat(3_000) };
const config = { limits: { requests: { framesPerSecond: 100_000, inboundBytesPerSecond: 2 ** 28 } } };

test("a client that sends and does not read its answers loses its socket", async () => {
  await using up = await setUp(config);
  const { client } = up;
  client.ws.pause();
  for (let sent = 0; sent < FRAMES; sent++) client.send(steer);
  await new Promise((taken) => client.ws.send(JSON.stringify({ type: "response.create", background: true }), taken));
  client.ws.resume();
  const end = await Promise.race([client.closed.then(({ code }) => code), client.next("error").then(() => "answered")]);
  expect(end).toBe(1006);
});

test("a client that reads gets all answers, however many", async () => {
  await using up = await setUp(config);
  const { client } = up;
  for (let round = 0; round < FRAMES / 500; round++) {
    for (let sent = 0; sent < 500; sent++) client.send(steer);
    for (let came = 0; came < 500; came++) await client.next("response.steer.failed");
  }
  expect(client.texts.length).toBe(FRAMES);
});
