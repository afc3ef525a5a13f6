import { describe, expect, test } from "@jest/globals";
import { parseClientJson, parseRelayedJson } from "../../src/core/kernel/json.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
const keys = (count: number) => `{${Array.from({ length: count }, (_, at) => `"k${at}":1`).join()}}`;

/** What no client may send, each as the value of a field. */
const TOO_MUCH: Readonly<Record<string, string>> = {
  "65 levels": nested(65),
  "a million levels": nested(1_000_000),
  "10,001 keys": keys(10_001),
  "30,000 keys of their own in many objects": `[${Array.from({ length: 10_000 }, (_, at) => `{"a${at}":1,"b":1,"c":1}`).join()}]`,
  "150,001 members": `[${Array(150_001).fill("1").join()}]`,
};

/** What only a face refuses that looks at it itself. */
const UNFIT: Readonly<Record<string, string>> = {
  ...TOO_MUCH,
  "the key __proto__": '{"__proto__":{"isAdmin":true}}',
  "constructor.prototype": '{"a":[{"constructor":{"prototype":{"isAdmin":true}}}]}',
  "the key __proto__, escaped": '{"\\u005f_proto__":1}',
  "an integer that loses digits": "9007199254740993",
  "a number that is none": "1e400",
};

describe("a client's message is refused if it has", () => {
  test.each(Object.entries(UNFIT))("%s", (_what, json) => {
    expect(parseClientJson(json)).toBeUndefined();
    expect(parseClientJson(`{"body":${json}}`)).toBeUndefined();
  });

  test.each(Object.entries(TOO_MUCH))("%s, where it would only go on to an upstream", (_what, json) => {
    expect(parseRelayedJson(json)).toBeUndefined();
  });
});

describe("a client's message is accepted unchanged", () => {
  test.each([
    ["64 levels", nested(64)],
    ["10,000 keys", keys(10_000)],
    ["the largest integers and any fraction", "[9007199254740991,-9007199254740991,0.1,1.7976931348623157e-300]"],
    ["a tool's field named constructor", '{"properties":{"constructor":{"type":"string"},"prototype":{}}}'],
    ["words that are only forbidden as keys", '["__proto__","constructor"]'],
  ])("%s", (_what, json) => {
    expect(parseClientJson(json)).toEqual(JSON.parse(json));
  });
});

describe("none of it reaches the upstream or an object of ours", () => {
  test("from the stream face", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url });
    using client = await (await StreamClient.connect(gateway.url)).hello();
    for (const json of Object.values(TOO_MUCH)) {
      client.send(`{"type":"open","id":"a","model":"gpt","body":{"messages":[],"x":${json}}}`);
      expect(await client.next()).toMatchObject({ type: "error", error: { code: "bad_frame" } });
    }
    client.send('{"type":"open","id":"a","model":"gpt","body":{"messages":[]},"__proto__":{"isAdmin":true}}');
    expect(await client.next()).toMatchObject({ type: "error", error: { code: "bad_frame" } });
    expect(upstream.connections).toBe(0);
    expect(Object.hasOwn(Object.prototype, "isAdmin")).toBe(false);
    expect(gateway.log.lines.filter(({ event }) => event === "fault")).toEqual([]);
  });

  test("from the OpenClaw face", async () => {
    await using gateway = await startTestGateway();
    using chat = await OpenClawClient.dial(gateway.url);
    await chat.connect();
    for (const json of Object.values(UNFIT)) {
      chat.sendText(`{"type":"req","id":"1","method":"sessions.patch","params":{"key":"main","label":${json}}}`);
    }
    await chat.request("health", {});
    await gateway.close();
    const refused = gateway.log.lines.filter(({ code, where }) => code === "bad_frame" && where === "openclaw");
    const count = refused.reduce((sum, { repeated }) => sum + Number(repeated ?? 1), 0);
    expect(count).toBe(Object.keys(UNFIT).length);
    expect(gateway.log.lines.filter(({ event }) => event === "fault")).toEqual([]);
  });
});
