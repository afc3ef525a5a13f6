/** The forms in which providers, proxies and frameworks say no, with words of our own. */
import { describe, expect, test } from "@jest/globals";
import { readRefusal } from "../../../src/core/dialect/refusal-text.ts";

const NO = "no such sail";

/** Each form with what is read out of it besides the message `no such sail`. */
const FORMS: readonly [string, unknown, Readonly<Record<string, unknown>>][] = [
  [
    "OpenAI's",
    { error: { message: NO, type: "invalid_request_error", param: "sails.0", code: "sail_unknown" } },
    { type: "invalid_request_error", code: "sail_unknown", param: "sails.0" },
  ],
  [
    "Anthropic's",
    { type: "error", error: { type: "not_found_error", message: NO }, request_id: "req_1" },
    { type: "not_found_error" },
  ],
  ["a text as error", { error: NO }, {}],
  ["a list of errors as error", { error: [NO] }, {}],
  ["a word as error beside a message", { error: "invalid_sail", error_description: NO }, { type: "invalid_sail" }],
  [
    "a status as error beside a message",
    { timestamp: 1, status: 404, error: "Not Found", message: NO, path: "/v1/x" },
    { type: "404", status: 404 },
  ],
  ["true as error", { error: true, message: NO }, {}],
  ["an error within an error", { error: { error: { error: { message: NO, type: "deep" } } } }, { type: "deep" }],
  [
    "fields at the top",
    { object: "error", message: NO, type: "BadRequestError", param: null, code: 400 },
    { type: "BadRequestError", status: 400 },
  ],
  [
    "a code and a message",
    { code: "InvalidParameter", message: NO, request_id: "1" },
    { type: "InvalidParameter", code: "InvalidParameter" },
  ],
  ["a message alone", { message: NO }, {}],
  ["AWS's", { __type: "com.amazon.coral#ValidationException", Message: NO }, { type: "ValidationException" }],
  ["Alibaba's", { Code: "Arrearage", Message: NO, RequestId: "1" }, { type: "Arrearage", code: "Arrearage" }],
  ["Tencent's", { Response: { Error: { Code: "AuthFailure", Message: NO }, RequestId: "1" } }, { code: "AuthFailure" }],
  ["Baidu's", { error_code: 17, error_msg: NO }, { code: "17" }],
  ["MiniMax's", { choices: null, base_resp: { status_code: 2013, status_msg: NO } }, { code: "2013" }],
  [
    "Google's list",
    [{ error: { code: 400, message: NO, status: "INVALID_ARGUMENT" } }],
    { type: "INVALID_ARGUMENT", status: 400 },
  ],
  [
    "Google's with the field",
    {
      error: {
        code: 400,
        message: NO,
        status: "INVALID_ARGUMENT",
        details: [{ "@type": "t/BadRequest", fieldViolations: [{ field: "sails" }] }],
      },
    },
    { param: "sails" },
  ],
  [
    "Google's with a wait",
    {
      error: {
        code: 429,
        message: NO,
        status: "RESOURCE_EXHAUSTED",
        details: [{ "@type": "t/RetryInfo", retryDelay: "34.5s" }],
      },
    },
    { retryAfterMs: 34_500 },
  ],
  ["FastAPI's text", { detail: NO }, {}],
  ["FastAPI's object", { detail: { error: { message: NO, type: "bad" } } }, { type: "bad" }],
  [
    "Cloudflare's",
    { success: false, errors: [{ code: 7003, message: NO }], messages: [], result: null },
    { code: "7003" },
  ],
  ["a list of texts", { errors: [NO] }, {}],
  [
    "JSON:API's",
    { errors: [{ status: "422", title: "Invalid", detail: NO, source: { pointer: "/sails/0" } }] },
    { param: "sails.0", status: 422 },
  ],
  ["GraphQL's", { errors: [{ message: NO, extensions: { code: "BAD_SAIL" } }] }, { code: "BAD_SAIL" }],
  ["a problem", { type: "about:blank", status: 402, title: "Payment Required", detail: NO }, { status: 402 }],
  [
    "a problem with a type",
    { type: "https://example.com/no-sail", title: "No sail", detail: NO },
    { type: "https://example.com/no-sail" },
  ],
  ["a problem with a title alone", { title: NO, status: 410 }, { status: 410 }],
  [
    "a message that is an object",
    {
      object: "error",
      message: { detail: [{ type: "extra", loc: ["body", "sails"], msg: NO }] },
      type: "invalid_request_error",
    },
    { type: "invalid_request_error", param: "sails" },
  ],
  ["a message that is a list", { statusCode: 400, message: [NO], error: "Bad Request" }, { status: 400 }],
  [
    "JSON within the message",
    {
      error: {
        message: `proxy.BadRequestError: ${JSON.stringify({ error: { message: NO, type: "t", code: "c" } })}`,
        type: null,
        code: "400",
      },
    },
    { type: "t", code: "c" },
  ],
  ["JSON as the message", { error: { message: JSON.stringify([{ error: { message: NO } }]) } }, {}],
  ["JSON as the error", { error: JSON.stringify({ message: NO, code: "c" }) }, { code: "c" }],
  [
    "OpenRouter's raw words",
    {
      error: {
        message: "Provider returned error",
        code: 400,
        metadata: { raw: JSON.stringify({ error: { message: NO, type: "t" } }) },
      },
    },
    { type: "t", status: 400 },
  ],
  ["Apigee's", { fault: { faultstring: NO, detail: { errorcode: "policies.Quota" } } }, {}],
  ["a validation error beside its type", { error: NO, error_type: "validation" }, { type: "validation" }],
  ["a code in words of digits", { error: { code: "1214", message: NO } }, { code: "1214" }],
  ["a success that is none", { code: 500, msg: NO, success: false }, { status: 500 }],
];

describe.each(FORMS)("a refusal in the form: %s", (_, value, facts) => {
  const json = JSON.stringify(value);

  test.each([
    ["as it is", json],
    ["behind a byte order mark", `\ufeff${json}`],
    ["laid out for people", JSON.stringify(value, null, 2)],
    ["as an event", `data: ${json}\n\n`],
    [
      "as an event with all fields",
      `id:1\r\nevent:error\r\n:HTTP_STATUS/400\r\ndata:${json}\r\n\r\ndata: [DONE]\r\n\r\n`,
    ],
    ["in the field of its own that llama.cpp has", `error: ${json}\n\n`],
    ["as the first of several lines", `${json}\n{"done":true}\n`],
    ["with a comma too many", json.replace(/([}\]])$/, ",$1")],
  ])("is read %s", (_form, text) => {
    const said = readRefusal(text);
    expect(said?.message).toContain(NO);
    expect(said).toMatchObject(facts);
  });
});

describe("a refusal that names a place", () => {
  test("says it in its message, for each of the first three", () => {
    const item = (field: string) => ({ type: "missing", loc: ["body", field, 0], msg: "Field required", input: {} });
    expect(readRefusal(JSON.stringify({ detail: ["a", "b", "c", "d"].map(item) }))).toMatchObject({
      message: "body.a.0: Field required; body.b.0: Field required; body.c.0: Field required",
      param: "a.0",
      type: "missing",
    });
  });

  test("by field says which", () => {
    const problem = {
      title: "One or more validation errors",
      status: 400,
      errors: { sails: ["The field is required."] },
    };
    expect(readRefusal(JSON.stringify(problem))).toMatchObject({
      message: "sails: The field is required.",
      param: "sails",
      status: 400,
    });
  });
});

describe("a refusal that is no JSON", () => {
  test.each([
    ["<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>", "502 Bad Gateway"],
    ["<!DOCTYPE html>\n<title>Error</title><pre>Cannot POST /v1/x &amp; more</pre>", "Error: Cannot POST /v1/x & more"],
    [
      "<html><style>a{}</style><script>alert(1)</script><body>No <b>route</b>&nbsp;here&#46;</body></html>",
      "No route here.",
    ],
    ['<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>', "Access Denied"],
    [
      "upstream connect error or disconnect/reset before headers",
      "upstream connect error or disconnect/reset before headers",
    ],
    ['"Unauthorized"', "Unauthorized"],
    ["Internal\u001b[31m Server\nError", "Internal [31m Server Error"],
    ['{"error":{"message":"the sail \\"x\\" is torn","input":"and here it is c', 'the sail "x" is torn'],
    ['{"detail":[{"msg":"Field required","input":{"messages":[{"content":"a secret', "Field required"],
  ])("%j says %j", (text, message) => {
    expect(readRefusal(text)).toEqual({ message });
  });

  test.each([
    "",
    " ",
    "\ufeff",
    "{}",
    "[]",
    '{"choices":[{"message":{"content":"a prompt',
    "{not json",
    '{"error":{}}',
    "data: [DONE]\n\n",
    '{"base_resp":{"status_code":0,"status_msg":"success"}}',
  ])("%j says nothing", (text) => {
    expect(readRefusal(text)?.message).toBeUndefined();
  });

  test("of megabytes is read in no time", () => {
    for (const piece of ["<script", "<", '{"message":"', '"', "\\", "<!--", "&#", "data:\n\n", "[", "{"]) {
      const began = process.cpuUsage();
      readRefusal(piece.repeat(65_536 / piece.length));
      readRefusal(`{"a":"${piece.repeat(65_536 / piece.length)}`);
      // In microseconds, of this process alone.
      expect(process.cpuUsage(began).user).toBeLessThan(1_000_000);
    }
  });
});
