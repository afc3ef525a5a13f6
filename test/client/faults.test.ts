/** The client under faults of the network, of the gateway and of its application. */
import { describe, expect, test } from "@jest/globals";
import { systemClock } from "../../src/client/environment.ts";
import { connect, type SluiceError, type StreamEvent } from "../../src/client/index.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { startCuttingProxy } from "../support/network/cutting-proxy.ts";
import { startFloodUpstream } from "../support/upstreams/flood-upstream.ts";
import { answer, CHAT, chunk, MANY_SOCKETS, numbers, PACKAGE_SOCKET, seqsOf, startStage } from "./set-up.ts";

/** Reconnects at once, as a client whose draw is lucky would. */
const AT_ONCE = { ...systemClock, random: () => 0 };
const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

/** A WebSocket that dies at its frame number `at`, before or after it is heard; 0 is the first. */
function dyingSocket(at: number, when: "before" | "after") {
  let frames = 0;
  return class extends PACKAGE_SOCKET {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      if (when === "before") this.on("message", () => this.#count());
      // Behind the client's own listener.
      else queueMicrotask(() => this.on("message", () => this.#count()));
    }

    #count(): void {
      if (frames++ === at) this.terminate();
    }

    override emit(name: string, ...values: unknown[]): boolean {
      // What a dead socket had still read is lost.
      return name === "message" && this.readyState !== this.OPEN ? false : super.emit(name, ...values);
    }
  };
}

const EVENTS = 8;
/** hello, opened, the events, the finish and its marker, the end. */
const FRAMES = EVENTS + 5;

describe("a link that dies", () => {
  test.each(["before", "after"] as const)(
    "%s any frame is heard: every event comes once, and one call is made",
    async (when) => {
      await using stage = await startStage();
      stage.upstream.respondWith((exchange) => answer(exchange, EVENTS));
      for (let at = 0; at < FRAMES; at++) {
        const sluice = connect({ url: stage.gateway.url, clock: AT_ONCE, WebSocket: dyingSocket(at, when) });
        const stream = sluice.open(CHAT);
        expect([at, await seqsOf(stream)]).toEqual([at, upTo(EVENTS + 2)]);
        expect(await stream.end).toMatchObject({ status: "completed", lastSeq: EVENTS + 2 });
        expect(stage.upstream.requests).toBe(at + 1);
        sluice.close();
      }
    },
  );

  test("1,000 times: three streams at once lose nothing and repeat nothing", async () => {
    const perStream = 2_200;
    await using upstream = await startFloodUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url, config: { limits: MANY_SOCKETS } });
    await using proxy = await startCuttingProxy(gateway.url);
    const sluice = connect({ url: proxy.url, clock: AT_ONCE });
    let handled = 0;
    const read = async (key: string) => {
      const stream = sluice.open({ model: "gpt", body: { key, events: perStream, plain: true, messages: [] } });
      const seqs: number[] = [];
      for await (const { seq } of stream) {
        seqs.push(seq);
        if (++handled % 5 === 0) proxy.cut();
      }
      expect(seqs).toEqual(upTo(perStream + 2));
      expect(upstream.record(key)?.calls).toBe(1);
    };
    await Promise.all(["a", "b", "c"].map(read));
    sluice.close();
    expect(proxy.connections).toBeGreaterThan(1_000);
  });

  test("in silence is found by the missing tick, and its streams are read on over another", async () => {
    await using stage = await startStage();
    const sockets: InstanceType<typeof PACKAGE_SOCKET>[] = [];
    let isDeaf = false;
    class FirstGoesDeaf extends PACKAGE_SOCKET {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
      }

      override emit(name: string, ...values: unknown[]): boolean {
        return isDeaf && this === sockets[0] ? false : super.emit(name, ...values);
      }
    }
    const sluice = connect({ url: stage.gateway.url, silenceMs: 1_000, clock: AT_ONCE, WebSocket: FirstGoesDeaf });
    const stream = sluice.open(CHAT);
    const call = (await stage.upstream.request()).sse().event(chunk("a"));
    const loop = stream[Symbol.asyncIterator]();
    expect((await loop.next()).value).toMatchObject({ text: "a" });
    isDeaf = true;
    call.event(chunk("b"));
    expect((await loop.next()).value).toMatchObject({ seq: 2, text: "b" });
    // While the process stands still, the next one seems silent, too.
    expect(sockets.length).toBeGreaterThan(1);
    sluice.close();
    for (const socket of sockets) socket.terminate();
  });
});

describe("a loop that is slow", () => {
  const limits = { logBytes: 65_536 };

  test("holds its provider back, and delays no other stream", async () => {
    await using stage = await startStage({ config: { limits } });
    const slow = stage.sluice.open(CHAT);
    const call = (await stage.upstream.request()).sse();
    const loop = slow[Symbol.asyncIterator]();
    const text = "x".repeat(10_000);
    const written = 1_200;
    for (let n = 0; n < written; n++) call.event(chunk(text));
    call.finishChat();
    await loop.next();
    stage.upstream.respondWith((exchange) => answer(exchange, 500));
    for (let round = 0; round < 3; round++) expect(await stage.sluice.open(CHAT).text()).toBe(numbers(500));
    // 12 MB were written. The gateway does not read them, and the system's buffers take a part.
    expect(call.unsentBytes).toBeGreaterThan(4_000_000);
    let events = 1;
    while (!(await loop.next()).done) events++;
    expect(events).toBe(written + 2);
    expect(call.unsentBytes).toBe(0);
  });

  test("is told apart from a slow socket: what arrives is received at once", async () => {
    await using stage = await startStage({ config: { limits: { sockets: { inFlightBytes: 65_536 } } } });
    const stalled = stage.sluice.open(CHAT);
    const call = (await stage.upstream.request()).sse();
    for (let n = 0; n < 100; n++) call.event(chunk("x".repeat(1_000)));
    await stalled[Symbol.asyncIterator]().next();
    stage.upstream.respondWith((exchange) => answer(exchange, 2_000));
    expect(await stage.sluice.open(CHAT).text()).toBe(numbers(2_000));
  });
});

describe("a gateway that is not there", () => {
  const codeAfter = async (failed: Promise<unknown>) => {
    const error: SluiceError | undefined = await failed.then(
      () => undefined,
      (thrown) => thrown,
    );
    return [error?.code, error?.retryable];
  };

  test("fails a stream after connectMs if it never was, after graceMs if it was", async () => {
    const gateway = await startTestGateway();
    const sluice = connect({ url: gateway.url, graceMs: 150, clock: AT_ONCE });
    expect((await codeAfter(sluice.open({ ...CHAT, retry: false }).text()))[0]).toBe("upstream_unreachable");
    await gateway.close();
    const began = performance.now();
    expect(await codeAfter(sluice.open(CHAT).text())).toEqual(["client_gone", true]);
    expect(performance.now() - began).toBeGreaterThan(149);
    sluice.close();
    const stranger = connect({ url: gateway.url, connectMs: 50, clock: AT_ONCE });
    expect(await codeAfter(stranger.open(CHAT).text())).toEqual(["client_gone", true]);
    stranger.close();
  });
});

describe("another reader", () => {
  test("takes the stream over: the loop gets what it has, then superseded, and does not take it back", async () => {
    await using stage = await startStage();
    const stream = stage.sluice.open(CHAT);
    const call = (await stage.upstream.request()).sse().event(chunk("a"));
    const loop = stream[Symbol.asyncIterator]();
    await loop.next();
    const other = connect({ url: stage.gateway.url });
    const taken = other.restore(stream.save())[Symbol.asyncIterator]();
    const first: StreamEvent | undefined = (await taken.next()).value;
    // The event in the first loop's hand is not handled yet.
    expect(first?.seq).toBe(1);
    await expect(loop.next()).rejects.toMatchObject({ code: "superseded" });
    call.finishChat();
    expect((await taken.next()).value).toMatchObject({ seq: 2 });
    other.close();
  });
});
