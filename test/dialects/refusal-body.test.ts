import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Anthropic from "@anthropic-ai/sdk";
import { describe, expect, test } from "@jest/globals";
import OpenAI from "openai";
import { CODES, type Code } from "../../protocol/codes.ts";
import type { DialectName } from "../../protocol/dialects.ts";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import { refusalBody } from "../../src/dialects/refusal-body.ts";

const capExceeded = new GatewayError("cap_exceeded", "tokensPerDay of ci is used up", {
  details: { cap: "tokensPerDay", limit: 1_000, caller: "ci", resetsAt: "2026-11-23T00:00:00.000Z" },
});
const rateLimited = new GatewayError("rate_limited", undefined, { retryAfterMs: 1_200 });

/** A server that answers every request with this refusal, and counts the requests. */
async function refusing(dialect: DialectName, error: GatewayError) {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    request.resume();
    const { status, headers, body } = refusalBody(dialect, error);
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    [Symbol.asyncDispose]: () => new Promise<void>((closed) => server.close(() => closed())),
  };
}

describe("an exhausted cap", () => {
  test("makes the openai client send one request, and shows it the quota's code and the reason", async () => {
    await using server = await refusing("openai-chat", capExceeded);
    const client = new OpenAI({ apiKey: "sk-test", baseURL: server.url });
    const call = client.chat.completions.create({ model: "gpt", messages: [], stream: true });
    await expect(call).rejects.toMatchObject({
      status: 400,
      code: "insufficient_quota",
      type: "insufficient_quota",
      message: expect.stringContaining("tokensPerDay of ci is used up"),
      error: { details: { resetsAt: "2026-11-23T00:00:00.000Z" } },
    });
    expect(server.requests()).toBe(1);
  });

  test("makes the Anthropic client send one request, and shows it the reason", async () => {
    await using server = await refusing("anthropic-messages", capExceeded);
    const client = new Anthropic({ apiKey: "sk-test", baseURL: server.url });
    const call = client.messages.create({ model: "claude", max_tokens: 1, messages: [], stream: true });
    await expect(call).rejects.toMatchObject({
      status: 402,
      error: { type: "error", error: { type: "billing_error", message: "tokensPerDay of ci is used up" } },
    });
    expect(server.requests()).toBe(1);
  });

  test("has no retry-after", () => {
    const withTime = new GatewayError("cap_exceeded", undefined, { retryAfterMs: 1_000 });
    for (const dialect of ["openai-chat", "openai-responses", "anthropic-messages"] as const) {
      expect(refusalBody(dialect, withTime).headers).toEqual({
        "content-type": "application/json",
        "x-should-retry": "false",
      });
    }
  });
});

describe("a refused key of the gateway's", () => {
  const details = { status: 401, type: "authentication_error", reason: "key_refused", route: "openai" };
  const keyRefused = new GatewayError("upstream_http_error", "the provider refuses the key of the route openai", {
    details,
  });

  test("makes the openai client send one request", async () => {
    await using server = await refusing("openai-chat", keyRefused);
    const client = new OpenAI({ apiKey: "sk-test", baseURL: server.url });
    const call = client.chat.completions.create({ model: "gpt", messages: [], stream: true });
    await expect(call).rejects.toMatchObject({ status: 400, message: expect.stringContaining("the route openai") });
    expect(server.requests()).toBe(1);
  });

  test("makes the Anthropic client send one request", async () => {
    await using server = await refusing("anthropic-messages", keyRefused);
    const client = new Anthropic({ apiKey: "sk-test", baseURL: server.url });
    const call = client.messages.create({ model: "claude", max_tokens: 1, messages: [], stream: true });
    await expect(call).rejects.toMatchObject({ status: 403, type: "permission_error" });
    expect(server.requests()).toBe(1);
  });
});

test.each(["openai-chat", "openai-responses", "anthropic-messages"] as const)(
  "an address that the configuration does not allow is a 400 on %s, which no agent repeats",
  (dialect) => {
    expect(refusalBody(dialect, new GatewayError("upstream_not_allowed"))).toMatchObject({
      status: 400,
      headers: { "x-should-retry": "false" },
      body: expect.stringContaining("invalid_request_error"),
    });
  },
);

test("a provider that a repetition will not reach is a 400, and one that it may reach a 502", () => {
  for (const dialect of ["openai-chat", "anthropic-messages"] as const) {
    const status = (retryable: boolean) =>
      refusalBody(dialect, new GatewayError("upstream_unreachable", undefined, { retryable })).status;
    expect([status(false), status(true)]).toEqual([400, 502]);
  }
});

test("a rate limit has a retry-after", () => {
  for (const dialect of ["openai-chat", "openai-responses", "anthropic-messages"] as const) {
    const { status, headers } = refusalBody(dialect, rateLimited);
    expect([status, headers["retry-after"], headers["x-should-retry"]]).toEqual([429, "2", undefined]);
  }
});

describe("every code", () => {
  const codes = Object.keys(CODES) as Code[];

  test.each(codes)("%s is an error in OpenAI's form", (code) => {
    const { status, body } = refusalBody("openai-chat", new GatewayError(code));
    const { error } = JSON.parse(body);
    expect(error).toMatchObject({ message: CODES[code].meaning, param: null });
    expect(typeof error.type).toBe("string");
    expect(status).toBe(code === "cap_exceeded" ? 400 : CODES[code].httpStatus);
  });

  test.each(codes)("%s is an error in Anthropic's form that forbids a retry unless one may help", (code) => {
    const { status, headers, body } = refusalBody("anthropic-messages", new GatewayError(code));
    expect(JSON.parse(body)).toEqual({
      type: "error",
      error: { type: expect.any(String), message: CODES[code].meaning },
    });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(headers["x-should-retry"]).toBe(CODES[code].retryable ? undefined : "false");
  });
});

test("a request that the provider refused keeps the provider's status, and a refused key does not", () => {
  const refused = (status: number) => new GatewayError("upstream_http_error", "no", { details: { status } });
  expect(refusalBody("openai-chat", refused(400)).status).toBe(400);
  expect(refusalBody("anthropic-messages", refused(413))).toMatchObject({
    status: 413,
    body: expect.stringContaining("request_too_large"),
  });
  for (const status of [401, 403, 407]) {
    expect(refusalBody("openai-chat", refused(status))).toMatchObject({
      status: 400,
      headers: { "x-should-retry": "false" },
    });
    expect(refusalBody("anthropic-messages", refused(status))).toMatchObject({
      status: 403,
      body: expect.stringContaining("permission_error"),
    });
  }
});

test.each([500, 501, 502, 504, 520])("a provider that failed with %i is told so", (status) => {
  const failed = new GatewayError("upstream_http_error", "down", { details: { status } });
  expect(refusalBody("openai-chat", failed)).toMatchObject({ status, body: expect.stringContaining("server_error") });
  expect(refusalBody("anthropic-messages", failed)).toMatchObject({ status });
});

test("overload is 529 in Anthropic's form", () => {
  expect(refusalBody("anthropic-messages", new GatewayError("overloaded"))).toMatchObject({
    status: 529,
    body: expect.stringContaining("overloaded_error"),
  });
});
