import { expect, test } from "@jest/globals";
import { providerHead } from "../../../src/upstream/policy/provider-head.ts";
import { openUpstream, startCall } from "../../support/clients/loopback-call.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const plain = (text: string) => text;

test("rate limits, waits, and whose account it was pass; what speaks of the connection or of others stops", () => {
  const passed = {
    "anthropic-ratelimit-unified-status": "rejected",
    "anthropic-ratelimit-tokens-remaining": "399000",
    "anthropic-organization-id": "org-1",
    "x-ratelimit-remaining-requests": "59",
    "x-ratelimit-limit-tokens_usage_based": "100",
    "ratelimit-policy": '"default";q=100;w=60',
    ratelimit: '"default";r=50;t=30',
    "retry-after": "287441",
    "retry-after-ms": "1500",
    "x-should-retry": "false",
    "openai-processing-ms": "417",
    "openai-organization": "acme",
    "openai-version": "2020-10-01",
  };
  const stopped = {
    "set-cookie": ["__cf_bm=secret"],
    server: "cloudflare",
    "content-type": "text/event-stream",
    "transfer-encoding": "chunked",
    connection: "keep-alive",
    "alt-svc": "h3",
    "access-control-allow-origin": "*",
    "x-sluice-stream": "s_forged",
    "strict-transport-security": "max-age=1",
  };
  const { headers } = providerHead({ status: 200, headers: { ...passed, ...stopped } }, plain);
  expect(headers).toEqual(passed);
});

test.each([
  ["request-id", "req_1"],
  ["x-request-id", "req_1"],
  ["apim-request-id", "5c11"],
  ["x-amzn-requestid", "9b0f"],
  ["cf-ray", "8f2-FRA"],
])("the provider's id of the request is found in %s", (name, id) => {
  const headers = { "cf-ray": "8f2-FRA", [name]: id };
  expect(providerHead({ status: 200, headers }, plain).requestId).toBe(id);
});

test("values that are no text, or long, or many are left out, and secrets are masked", () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`x-ratelimit-${n}`, "1"]));
  const odd = {
    "x-ratelimit-a": "\u00e9",
    "x-ratelimit-b": "x".repeat(257),
    "x-ratelimit-c": "sk-1",
    "request-id": "a sk-1",
  };
  const masked = providerHead({ status: 200, headers: odd }, (text) => text.replace("sk-1", "[redacted]"));
  expect(masked).toEqual({ requestId: "a [redacted]", headers: { "x-ratelimit-c": "[redacted]" } });
  expect(Object.keys(providerHead({ status: 200, headers: many }, plain).headers)).toHaveLength(64);
});

test("every response of a call is told to its sink, before its body", async () => {
  await using upstream = await startScriptedUpstream();
  await using client = openUpstream(upstream.url, {}, { retry: { baseDelayMs: 0 } });
  const { sink } = startCall(client);
  (await upstream.request()).json(503, {}, { "request-id": "req_1" });
  (await upstream.request()).sse({ "request-id": "req_2", "x-ratelimit-remaining-requests": "7" }).event("one").end();
  await sink.done;
  expect(sink.heads).toEqual([
    { requestId: "req_1", headers: {} },
    { requestId: "req_2", headers: { "x-ratelimit-remaining-requests": "7" } },
  ]);
});
