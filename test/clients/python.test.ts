/** The Python client: its own tests, and its process against a gateway, under cuts and with slow loops. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { chunk, MANY_SOCKETS, numbers } from "../client/set-up.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { startCuttingProxy } from "../support/network/cutting-proxy.ts";
import { startFloodUpstream } from "../support/upstreams/flood-upstream.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const FOLDER = fileURLToPath(new URL("../../clients/python/", import.meta.url));

/** A Python from 3.10 on with the package `websockets`. The first on the path may be one without it. */
const PYTHON = ["python3", "/usr/bin/python3"].find(
  (each) => spawnSync(each, ["-c", "import sys, websockets; sys.exit(sys.version_info < (3, 10))"]).status === 0,
);
if (!PYTHON) console.warn("NO PYTHON 3.10 WITH websockets IS HERE: the tests of the Python client are skipped");
const whereItIs = PYTHON ? describe : describe.skip;

interface Said {
  readonly stream?: number;
  readonly seq?: number;
  readonly text?: string;
  readonly code?: string;
  readonly end?: { readonly status: string; readonly lastSeq: number; readonly usage: object };
  readonly restored?: boolean;
  readonly sockets?: number;
  readonly tasksLeft?: number;
}

/** Runs the client with these requests to its end; hears each line that it says. */
async function run(task: object, hear: (said: Said) => void = () => {}): Promise<Said[]> {
  const child = spawn(PYTHON ?? "", ["-W", "error", "-B", `${FOLDER}tests/drive.py`, JSON.stringify(task)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let wrong = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    wrong += part;
  });
  const heard: Said[] = [];
  createInterface(child.stdout).on("line", (line) => {
    const said: Said = JSON.parse(line);
    heard.push(said);
    hear(said);
  });
  const [code] = await once(child, "close");
  expect({ code, wrong }).toEqual({ code: 0, wrong: "" });
  expect(heard.pop()).toEqual({ tasksLeft: 0 });
  return heard;
}

const seqsOf = (heard: readonly Said[], stream: number) =>
  heard.filter((said) => said.stream === stream && said.seq !== undefined).map(({ seq }) => seq);
const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

whereItIs("the Python client", () => {
  test("passes its own tests", () => {
    const args = ["-W", "error", "-B", "-m", "unittest", "discover", "-s", "tests", "-t", "."];
    const { status, stderr } = spawnSync(PYTHON ?? "", args, { cwd: FOLDER, encoding: "utf8" });
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(/Ran [1-9]\d* tests[\s\S]*\nOK\n$/),
    });
  });

  test("reads the answer with the program of its README", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url, config: {} });
    upstream.respondWith((exchange) => {
      exchange
        .sse()
        .event({ type: "message_start", message: { usage: { input_tokens: 3, output_tokens: 1 } } }, "message_start")
        .event(
          { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi!" } },
          "content_block_delta",
        )
        .event(
          { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } },
          "message_delta",
        )
        .event({ type: "message_stop" }, "message_stop")
        .end();
    });
    const [, program = ""] = /```python\n([\s\S]*?)```/.exec(readFileSync(`${FOLDER}README.md`, "utf8")) ?? [];
    const here = program.replace("http://127.0.0.1:18789", gateway.url).replace('"demo"', '"claude"');
    const child = spawn(PYTHON ?? "", ["-W", "error", "-B", "-c", here], { cwd: FOLDER });
    const [said, wrong] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect({ said, wrong }).toEqual({ said: expect.stringMatching(/^Hi!\{.*'source': 'exact'\}\n$/), wrong: "" });
  });

  test("reads an answer and its end, and leaves no task", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url, config: {} });
    upstream.respondWith((exchange) => {
      exchange.sse();
      for (let n = 1; n <= 5; n++) exchange.event(chunk(`${n} `));
      exchange.finishChat();
    });
    const heard = await run({ url: gateway.url, requests: [{ model: "gpt", body: { messages: [] } }] });
    expect(heard.map((said) => said.text ?? "").join("")).toBe(numbers(5));
    expect(heard.at(-1)?.end).toMatchObject({ status: "completed", lastSeq: 7, usage: { source: "estimated" } });
  });

  test.each([false, true])(
    "gets every event once from one call, whichever frame the socket dies at (that frame is heard: %s)",
    async (isHeard) => {
      await using upstream = await startScriptedUpstream();
      await using gateway = await startTestGateway({ upstream: upstream.url, config: {} });
      upstream.respondWith((exchange) => {
        exchange.sse();
        for (let n = 1; n <= 3; n++) exchange.event(chunk(`${n} `));
        exchange.finishChat();
      });
      const sockets: unknown[] = [];
      // hello, opened, at most five frames of events, the end.
      for (let dieAt = 0; dieAt < 8; dieAt++) {
        // The first event is in the loop's hand while the socket dies, so that the gateway repeats it.
        const requests = [{ model: "gpt", body: { messages: [] }, stopAfter: 1, stopMs: 50 }];
        const heard = await run({ url: gateway.url, requests, dieAt, isHeard });
        expect([dieAt, seqsOf(heard, 0)]).toEqual([dieAt, upTo(5)]);
        expect(heard.at(-2)?.end).toMatchObject({ status: "completed", lastSeq: 5 });
        expect(upstream.requests).toBe(dieAt + 1);
        sockets.push(heard.at(-1)?.sockets);
      }
      // It did die, at least up to the first frame of events: those that come together share one.
      expect(sockets.slice(0, 3)).toEqual([2, 2, 2]);
    },
  );

  test("loses and repeats nothing of three streams, and calls once for each, while 300 connections die", async () => {
    const perStream = 700;
    await using upstream = await startFloodUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url, config: { limits: MANY_SOCKETS } });
    await using proxy = await startCuttingProxy(gateway.url);
    const keys = ["a", "b", "c"];
    const requests = keys.map((key) => ({
      model: "gpt",
      body: { key, events: perStream, plain: true, messages: [] },
    }));
    let events = 0;
    const heard = await run({ url: proxy.url, requests }, ({ seq }) => {
      if (seq !== undefined && ++events % 5 === 0) proxy.cut();
    });
    for (const [stream, key] of keys.entries()) {
      expect(seqsOf(heard, stream)).toEqual(upTo(perStream + 2));
      expect(upstream.record(key)?.calls).toBe(1);
    }
    expect(proxy.connections).toBeGreaterThan(300);
  });

  test("lets no slow loop hold up another stream", async () => {
    await using upstream = await startFloodUpstream();
    const limits = { streams: { windowEvents: 128 } };
    await using gateway = await startTestGateway({ upstream: upstream.url, config: { limits } });
    const body = (key: string) => ({ key, events: 500, plain: true, messages: [] });
    const requests = [
      // Until the other one has ended.
      { model: "gpt", body: body("slow"), stopAfter: 1, stopFor: 1 },
      { model: "gpt", body: body("quick") },
    ];
    const heard = await run({ url: gateway.url, requests });
    const endOf = (stream: number) => heard.findIndex((said) => said.stream === stream && said.end);
    const nextOfSlow = heard.findIndex(({ stream, seq }) => stream === 0 && seq === 2);
    expect(endOf(1)).toBeLessThan(nextOfSlow);
    for (const stream of [0, 1]) expect(seqsOf(heard, stream)).toEqual(upTo(502));
  });

  test("closes the provider's connection when the loop is left", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url, config: {} });
    const running = run({ url: gateway.url, requests: [{ model: "gpt", body: { messages: [] }, leaveAfter: 1 }] });
    const exchange = (await upstream.request()).sse().event(chunk("a"));
    await exchange.closed;
    expect((await running).at(-1)?.end).toMatchObject({ status: "cancelled", lastSeq: 1 });
  });

  test("reads on, after a loop that was left with `detach`, what came meanwhile", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url, config: {} });
    const request = { model: "gpt", body: { messages: [] }, leave: "detach", leaveAfter: 2, restore: true };
    let write = () => {};
    const running = run({ url: gateway.url, requests: [request] }, ({ restored }) => restored && write());
    const exchange = (await upstream.request()).sse().event(chunk("a")).event(chunk("b"));
    write = () => exchange.event(chunk("c")).finishChat();
    const heard = await running;
    expect(heard.find(({ code }) => code)).toMatchObject({ code: "client_gone", retryable: false });
    expect(seqsOf(heard, 0)).toEqual(upTo(5));
    expect(heard.at(-1)?.end).toMatchObject({ status: "completed" });
    expect(upstream.requests).toBe(1);
  });

  test("hears that its token is wrong, once and for good", async () => {
    await using upstream = await startScriptedUpstream();
    const config = { auth: { token: "right-".padEnd(40, "x") } };
    await using gateway = await startTestGateway({ upstream: upstream.url, config });
    const requests = [{ model: "gpt", body: { messages: [] } }];
    const heard = await run({ url: gateway.url, token: "wrong", requests });
    expect(heard).toEqual([{ stream: 0, code: "unauthorized", retryable: false }]);
  });
});
