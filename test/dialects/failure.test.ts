import { describe, expect, test } from "@jest/globals";
import { dialects } from "../../src/dialects/registry.ts";
import { interpret, unnamed } from "../support/relay/interpret.ts";

const NO = "no such sail";

/** JSON that is an error whatever the stream it stands in. */
const ERRORS: readonly [string, unknown][] = [
  ["an object", { error: { message: NO } }],
  ["a text", { error: NO }],
  ["a list", [{ error: { code: 400, message: NO } }]],
  ["a list of errors", { errors: [{ message: NO }] }],
  ["detail", { detail: NO }],
  ["detail in a list", { detail: [{ loc: ["body"], msg: NO }] }],
  ["a code and a message", { code: "InvalidParameter", message: NO, request_id: "1" }],
  ["a status and a message", { statusCode: 500, message: NO }],
  ["a type and a message", { type: "error", message: NO, code: null }],
  ["the object error", { object: "error", message: NO, type: "BadRequestError" }],
  [
    "base_resp",
    { id: "1", choices: null, object: "chat.completion.chunk", base_resp: { status_code: 1008, status_msg: NO } },
  ],
];

/** JSON that is none, though it looks like one. */
const NONE: readonly unknown[] = [
  { choices: [], base_resp: { status_code: 0, status_msg: "success" } },
  { choices: [{ index: 0, delta: { content: "a" } }], error: null, detail: "", errors: [] },
  { choices: [], error: {}, code: 0, message: "ok" },
  { message: "loading the model" },
  { status: "processing", message: "queued" },
  { type: "ping" },
  { type: "status", message: "warming up", code: "W1" },
  { object: "status", message: "warming up", code: "W1" },
  [],
  [{ choices: [] }],
];

describe.each(["anthropic-messages", "openai-chat", "openai-responses"])("in an answer of %s", (name) => {
  const read = (value: unknown) => {
    const dialect = dialects.get(name);
    return dialect ? interpret(dialect, [unnamed(value as object)])[0] : undefined;
  };

  test.each(ERRORS)("an error in the form of %s is one, with its words", (_, value) => {
    expect(read(value)?.error?.message).toContain(NO);
  });

  test.each(NONE.map((value) => [value]))("%j is no error", (value) => {
    expect(read(value)).not.toHaveProperty("error");
  });
});
