/** What a stream took in memory is there again when it is over, whichever face it was opened on. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AiChat } from "../support/clients/ai-chat.ts";
import { ResponsesSocketClient } from "../support/clients/responses-socket-client.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway, type TestGateway } from "../support/gateways/gateway.ts";
import { turnsUntil } from "../support/jest/turns-until.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";

let gateway: TestGateway;
beforeAll(async () => {
  const limits = { retentionMs: 3_600_000, streams: { handledRetentionMs: 1 } };
  gateway = await startTestGateway({ config: { demo: true, routes: {}, models: {}, limits } });
});
afterAll(() => gateway.close());

const PROMPT = "say it [[20x1]]";
const messages = [{ role: "user", content: PROMPT }];

/** What the demo's three dialects are asked with. */
const APIS = [
  ["/v1/messages", { model: "demo", max_tokens: 64, messages }],
  ["/v1/chat/completions", { model: "demo-chat", messages }],
  ["/v1/responses", { model: "demo-responses", input: PROMPT }],
] as const;

async function post(path: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
}

async function figure(name: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
}

/** Resolves when all of it is given back. */
async function givenBack(): Promise<void> {
  await turnsUntil(async () => (await figure("sluice_log_bytes")) === 0);
}

const lines = () => gateway.log.lines.filter(({ event }) => event === "stream");

/** Runs one stream, and sees that it took memory, ended once, and gave it back. */
async function leavesNothing(run: () => Promise<void>): Promise<void> {
  const before = lines().length;
  await run();
  await givenBack();
  expect(lines()).toHaveLength(before + 1);
}

describe.each(APIS)("%s", (path, body) => {
  test("gives back a streamed answer", () =>
    leavesNothing(async () => {
      const response = await post(path, { ...body, stream: true });
      expect((await response.text()).length).toBeGreaterThan(500);
    }));

  test("gives back a unary answer", () =>
    leavesNothing(async () => {
      const response = await post(path, { ...body, stream: false });
      expect((await response.text()).length).toBeGreaterThan(50);
    }));

  test("gives back an answer whose client left midway", () =>
    leavesNothing(async () => {
      const leaving = new AbortController();
      const prompt = "say it [[1000x1]]";
      const long = path === "/v1/responses" ? { input: prompt } : { messages: [{ role: "user", content: prompt }] };
      const response = await post(path, { ...body, ...long, stream: true }, leaving.signal);
      await response.body?.getReader().read();
      expect(await figure("sluice_log_bytes")).toBeGreaterThan(0);
      leaving.abort();
    }));

  test("gives back an answer that the upstream refused, and one that failed", async () => {
    for (const directive of ["[[error 400]]", "[[cut]]", "[[error]]"]) {
      await leavesNothing(async () => {
        const asked =
          path === "/v1/responses" ? { input: directive } : { messages: [{ role: "user", content: directive }] };
        await (await post(path, { ...body, ...asked, stream: true })).text().catch(() => "");
      });
    }
  });
});

describe("the stream face", () => {
  const open = { model: "demo-chat", body: { messages } };

  test("soon gives back what was sent to a client without flow control", () =>
    leavesNothing(async () => {
      const client = await (await StreamClient.connect(gateway.url)).hello();
      await client.run("a", { ...open, flow: "none" });
      client.close();
    }));

  test("soon gives back what a client has fully acknowledged, before or after the end frame", async () => {
    for (const early of [true, false]) {
      await leavesNothing(async () => {
        const client = await (await StreamClient.connect(gateway.url)).hello();
        client.send({ type: "open", id: "a", ...open });
        const { end } = await client.rest("a");
        if (early) client.send({ type: "ack", streams: { a: end.lastSeq - 1 } });
        client.send({ type: "ack", streams: { a: end.lastSeq } });
        await givenBack();
        client.close();
      });
    }
  });

  test("soon gives back a stream whose id its client reuses", async () => {
    const client = await (await StreamClient.connect(gateway.url)).hello();
    await client.run("a", open);
    expect(await figure("sluice_log_bytes")).toBeGreaterThan(0);
    await client.run("a", { ...open, flow: "none" });
    await givenBack();
    client.close();
  });

  test("keeps what a client has not acknowledged for the retention time", async () => {
    const client = await (await StreamClient.connect(gateway.url)).hello();
    client.send({ type: "open", id: "a", ...open });
    const opened = await client.take(({ type }) => type === "opened");
    const { end } = await client.rest("a");
    client.send({ type: "ack", streams: { a: end.lastSeq - 1 } });
    client.close();
    await client.closed;
    // Another stream that is given back shows that the sweep has come by.
    await post("/v1/chat/completions", { model: "demo-chat", messages });
    const other = await (await StreamClient.connect(gateway.url)).hello();
    await other.run("b", { ...open, flow: "none" });
    const stream = "stream" in opened ? opened.stream : "";
    other.send({ type: "resume", id: "a", stream, epoch: 1, after: 0, flow: "none" });
    expect((await other.rest("a")).end.lastSeq).toBe(end.lastSeq);
    await givenBack();
    other.close();
  });
});

describe("the HTTP readers of streams", () => {
  /** A stream that nobody on the stream face reads any more. */
  async function parked(): Promise<string> {
    const client = await (await StreamClient.connect(gateway.url)).hello();
    client.send({ type: "open", id: "a", model: "demo-chat", body: { messages } });
    const opened = await client.take(({ type }) => type === "opened");
    client[Symbol.dispose]();
    return "stream" in opened ? opened.stream : "";
  }

  test("give back what was sent as SSE", () =>
    leavesNothing(async () => {
      const response = await fetch(`${gateway.url}/v1/streams/${await parked()}/events?after=0`);
      expect(await response.text()).toContain("sluice.end");
    }));

  test("give back what a polling client has read past", () =>
    leavesNothing(async () => {
      const id = await parked();
      for (let after = 0; ; ) {
        const response = await fetch(`${gateway.url}/v1/streams/${id}/events?wait=5s&after=${after}`);
        const { events, end } = (await response.json()) as { events: { seq: number }[]; end?: object };
        after = events.at(-1)?.seq ?? after;
        if (end && events.length === 0) break;
      }
    }));
});

describe("OpenClaw", () => {
  test("gives back the log of a finished run and of a stopped one", async () => {
    const client = await OpenClawClient.dial(gateway.url.replace("http", "ws"));
    await client.connect();
    for (const [runId, stop] of [
      ["r1", false],
      ["r2", true],
    ] as const) {
      await leavesNothing(async () => {
        await client.request("chat.send", {
          sessionKey: "main",
          message: stop ? "say it [[1000x1]]" : PROMPT,
          idempotencyKey: runId,
        });
        if (stop) await client.request("chat.abort", { sessionKey: "main", runId });
        await client.ended(runId);
      });
    }
    client[Symbol.dispose]();
  });
});

describe("the Responses socket", () => {
  test("soon gives back a response, one that was cancelled, and the conversations of a socket that closed", async () => {
    await leavesNothing(async () => {
      using client = await ResponsesSocketClient.connect(gateway.url);
      client.create({ model: "demo-responses", input: PROMPT });
      await client.next("response.completed");
    });
    await leavesNothing(async () => {
      using client = await ResponsesSocketClient.connect(gateway.url);
      client.create({ model: "demo-responses", input: "say it [[1000x1]]" });
      await client.next("response.output_text.delta");
      client.send({ type: "response.cancel" });
      await client.next("response.failed");
    });
  });
});

describe("the AI SDK's transport", () => {
  test("gives back an answer once nobody can resume it any more", async () => {
    await using other = await startTestGateway({
      config: { demo: true, routes: {}, models: {}, limits: { retentionMs: 1 } },
    });
    using chat = new AiChat(other.url, { body: { model: "demo-chat" } });
    await chat.sendMessage({ text: PROMPT });
    expect(chat.said).not.toBe("");
    const used = async () =>
      (await (await fetch(`${other.url}/metrics`)).text()).match(/^sluice_log_bytes (.*)$/m)?.[1];
    await turnsUntil(async () => (await used()) === "0");
    await chat.resumeStream();
    expect(chat.messages).toHaveLength(2);
  });
});
