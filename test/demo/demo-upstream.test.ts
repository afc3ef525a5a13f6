import { once } from "node:events";
import { createConnection } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { type DemoOptions, type DemoUpstream, startDemoUpstream } from "../../src/demo/demo-upstream.ts";
import { ask, eventsOf } from "./ask-demo.ts";

let demo: DemoUpstream | undefined;
afterEach(() => demo?.close());
const start = async (options: DemoOptions) => {
  demo = await startDemoUpstream(options);
  return demo;
};

/** A schedule that runs everything at once and remembers the delays that were asked for. */
function recordingSchedule() {
  const delays: number[] = [];
  return {
    delays,
    schedule(delayMs: number, run: () => void) {
      delays.push(delayMs);
      const immediate = setImmediate(run);
      return () => clearImmediate(immediate);
    },
  };
}

test("the realistic pace is 250 ms to the first token, then 20 to 40 ms each", async () => {
  const { delays, schedule } = recordingSchedule();
  const { url } = await start({ schedule });
  await (await ask(url, "chat", "hello")).text();
  const [open = 0, first = 0, ...rest] = delays;
  expect(open + first).toBe(250);
  expect(rest.length).toBeGreaterThan(100);
  expect(Math.min(...rest)).toBeGreaterThanOrEqual(20);
  expect(Math.max(...rest)).toBeLessThanOrEqual(40);
  expect(new Set(rest).size).toBeGreaterThan(5);
});

test("[[NxM]] sets the time per token, [[slow]] the time to the first, both also at the instant pace", async () => {
  const { delays, schedule } = recordingSchedule();
  const { url } = await start({ pace: "instant", schedule });
  await (await ask(url, "chat", "[[4x7]]")).text();
  expect(delays.splice(0)).toEqual([7, 7, 7]);
  await (await ask(url, "chat", "[[slow]] [[3x9]]")).text();
  expect(delays).toEqual([500, 2000, 9, 9]);
});

test("the same request number gives the same answer, and the next one another", async () => {
  const wall = () => 1_700_000_000_000;
  const answers: string[] = [];
  for (let run = 0; run < 2; run++) {
    const { url, close } = await start({ pace: "instant", wall });
    answers.push(await (await ask(url, "chat", "hello")).text(), await (await ask(url, "chat", "hello")).text());
    await close();
  }
  expect(answers[2]).toBe(answers[0]);
  expect(answers[3]).toBe(answers[1]);
  expect(answers[1]).not.toBe(answers[0]);
});

test("a client that closes its socket stops the answer: it is counted, and no timer is left", async () => {
  let waiting = 0;
  let calledOff = () => {};
  const noneLeft = new Promise<void>((resolve) => {
    calledOff = resolve;
  });
  const schedule = () => {
    waiting++;
    return () => {
      waiting--;
      calledOff();
    };
  };
  const upstream = await start({ pace: "instant", schedule });
  const abort = new AbortController();
  const answer = await ask(upstream.url, "anthropic", "[[100x50]]", {}, abort.signal);
  expect(answer.status).toBe(200);
  expect(waiting).toBe(1);
  abort.abort();
  await noneLeft;
  expect(waiting).toBe(0);
  expect(upstream.cancelled).toBe(1);
  expect(upstream.requests).toBe(1);
});

test("[[cut]] closes the socket in the middle of an event, which does not count as a cancellation", async () => {
  const upstream = await start({ pace: "instant" });
  const answer = await ask(upstream.url, "chat", "[[cut]]");
  let received = "";
  const decoder = new TextDecoder();
  const reading = (async () => {
    for await (const bytes of answer.body ?? []) received += decoder.decode(bytes, { stream: true });
  })();
  await expect(reading).rejects.toThrow();
  expect(received.endsWith('data: {"')).toBe(true);
  expect(eventsOf(received).length).toBeGreaterThan(10);
  expect(received).not.toContain("[DONE]");
  expect(upstream.cancelled).toBe(0);
});

test("an answer larger than the socket's buffers waits for its reader and arrives complete", async () => {
  const { url } = await start({ pace: "instant" });
  const { port } = new URL(url);
  const body = JSON.stringify({ stream: true, messages: [{ role: "user", content: "[[20000x0]]" }] });
  const socket = createConnection(Number(port), "127.0.0.1");
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: demo\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await once(socket, "readable");
  let received = "";
  for await (const bytes of socket) received += bytes;
  expect(received.match(/"content":"/g)).toHaveLength(20_001);
  expect(received.endsWith("data: [DONE]\n\n\r\n0\r\n\r\n")).toBe(true);
});

test("close ends running streams", async () => {
  const upstream = await start({ pace: "instant" });
  const answer = await ask(upstream.url, "responses", "[[100x60000]]");
  const reading = answer.text();
  await Promise.all([upstream.close(), expect(reading).rejects.toThrow()]);
});

describe("anything but a request", () => {
  test.each([
    ["another path", "/v1/models", "POST", "{}", 404],
    ["another method", "/v1/messages", "PUT", "{}", 404],
    ["no JSON", "/v1/messages", "POST", "nope", 400],
    ["no object", "/v1/responses", "POST", "[]", 400],
  ])("%s is refused", async (_, path, method, body, status) => {
    const { url } = await start({ pace: "instant" });
    const answer = await fetch(url + path, { method, body });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toHaveProperty("error.message");
  });
});
