import { describe, expect, test } from "@jest/globals";
import type { UpstreamSink } from "../../../src/core/ports/upstream.ts";
import type { Timeouts } from "../../../src/upstream/call/deadlines.ts";
import { openUpstream } from "../../support/clients/loopback-call.ts";
import { freePort } from "../../support/network/free-port.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

/** A sink that throws in some of its methods, and what it and the observer were told. */
function faultySink(throws: readonly (keyof UpstreamSink)[]) {
  const told: string[] = [];
  const faults: unknown[] = [];
  const { promise: reported, resolve: report } = Promise.withResolvers<void>();
  const { promise: failed, resolve: fails } = Promise.withResolvers<void>();
  const tell = (name: keyof UpstreamSink, what: string = name) => {
    told.push(what);
    if (throws.includes(name)) throw new TypeError(`a bug in ${name}`);
  };
  const sink: UpstreamSink = {
    responded: () => tell("responded"),
    firstByte: () => tell("firstByte"),
    event: () => tell("event"),
    lossy: () => tell("lossy"),
    end: () => tell("end"),
    fail(error) {
      fails();
      tell("fail", `fail ${error.code}`);
    },
  };
  const observer = {
    fault(fault: unknown) {
      faults.push(fault);
      report();
    },
  };
  return { sink, observer, told, faults, reported, failed };
}

const request = { route: "test", path: "/", headers: {}, body: "{}", mayRetry: false };
type Script = (exchange: ScriptedExchange) => unknown;

// Each comes out of a timer or a socket: thrown on, it would end the process.
describe("what a sink throws at the end of its stream is reported, and the process goes on", () => {
  test.each<[string, Script, string[], Partial<Timeouts>?]>([
    ["a limit runs out", () => {}, ["fail upstream_timeout"], { headersMs: 50 }],
    [
      "the limit of an error's body runs out",
      (exchange) => exchange.head(400, { "content-length": "9" }).write("no"),
      ["responded", "fail upstream_http_error"],
      { errorBodyMs: 50 },
    ],
    ["the upstream breaks HTTP", (exchange) => exchange.write("x\r\n"), ["fail upstream_protocol"]],
    ["the upstream cuts the connection", (exchange) => exchange.reset(), ["fail upstream_reset"]],
    ["the upstream refuses", (exchange) => exchange.json(400, {}), ["responded", "fail upstream_http_error"]],
  ])("when %s", async (_name, script, told, timeouts = {}) => {
    await using upstream = await startScriptedUpstream();
    const faulty = faultySink(["fail"]);
    await using client = openUpstream(upstream.url, { timeouts }, { observer: faulty.observer });
    client.call(request, faulty.sink);
    const exchange = await upstream.request();
    script(exchange);
    await faulty.reported;
    expect(faulty.told).toEqual(told);
    expect(faulty.faults).toEqual([new TypeError("a bug in fail")]);
  });

  test("when nobody listens", async () => {
    const faulty = faultySink(["fail"]);
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    await using client = openUpstream(nowhere, {}, { observer: faulty.observer });
    client.call(request, faulty.sink);
    await faulty.reported;
    expect([faulty.told, faulty.faults.length]).toEqual([["fail upstream_unreachable"], 1]);
  });

  test("when its route is unknown", async () => {
    const faulty = faultySink(["fail"]);
    await using client = openUpstream("http://127.0.0.1:1", {}, { observer: faulty.observer });
    client.call({ ...request, route: "other" }, faulty.sink);
    await faulty.reported;
    expect([faulty.told, faulty.faults.length]).toEqual([["fail unknown_route"], 1]);
  });

  test("when the answer ended, and the stream fails internal; the connection serves the next call", async () => {
    await using upstream = await startScriptedUpstream();
    const faulty = faultySink(["end"]);
    await using client = openUpstream(upstream.url, {}, { observer: faulty.observer });
    client.call(request, faulty.sink);
    (await upstream.request()).sse().event("one").end();
    await faulty.failed;
    expect(faulty.told).toEqual(["responded", "firstByte", "event", "end", "fail internal"]);
    expect(faulty.faults).toEqual([new TypeError("a bug in end")]);
    const sound = faultySink([]);
    client.call(request, sound.sink);
    expect((await upstream.request()).connection).toBe(1);
  });
});

test.each(["firstByte", "event", "lossy"] as const)(
  "a sink that throws in %s is told that its stream failed internal, and its upstream is cut",
  async (method) => {
    await using upstream = await startScriptedUpstream();
    const faulty = faultySink([method, "fail"]);
    await using client = openUpstream(upstream.url, {}, { observer: faulty.observer });
    client.call(request, faulty.sink);
    const exchange = await upstream.request();
    exchange.sse().chunk(Buffer.concat([Buffer.from("data: a"), Buffer.from([0xff]), Buffer.from("\n\ndata: b\n\n")]));
    await faulty.reported;
    await exchange.closed;
    expect(faulty.told.at(-1)).toBe("fail internal");
    expect(faulty.faults).toEqual([new TypeError("a bug in fail")]);
  },
);
