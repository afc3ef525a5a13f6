import Anthropic from "@anthropic-ai/sdk";
import { describe, expect, test } from "@jest/globals";
import OpenAI from "openai";
import type { Caps } from "../../../src/core/caller/caller.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { CHAT, chunk, MESSAGES, RESPONSES, setUp } from "./set-up.ts";

const directory = temporaryDirectories();

/** A gateway with one key, and both vendors' clients with their retries on. */
async function setUpCapped(caps: Caps) {
  const path = directory();
  const apiKey = freshSecret();
  const database = new KeyDatabase(path);
  database.add(keyFor("alice", apiKey, { caps }));
  database.close();
  const up = await setUp({ data: { store: "sqlite", directory: path } });
  return {
    ...up,
    bearer: { authorization: `Bearer ${apiKey}` },
    openai: new OpenAI({ apiKey, baseURL: `${up.gateway.url}/v1` }),
    anthropic: new Anthropic({ apiKey, baseURL: up.gateway.url }),
    refusals: () => up.gateway.log.lines.filter(({ event }) => event === "refused").length,
  };
}

describe("a key with an exhausted cap", () => {
  test("stops both vendors' clients after one request each, with the reason in the vendor's form", async () => {
    await using up = await setUpCapped({ tokensPerDay: 1 });
    const messages = [{ role: "user" as const, content: "a prompt of more than one token" }];
    await expect(up.openai.chat.completions.create({ model: "gpt", stream: true, messages })).rejects.toMatchObject({
      status: 400,
      code: "insufficient_quota",
      message: expect.stringContaining("alice"),
    });
    await expect(
      up.openai.responses.create({ model: "responses", input: "more than one token" }),
    ).rejects.toMatchObject({ status: 400, code: "insufficient_quota" });
    await expect(up.anthropic.messages.create({ model: "claude", max_tokens: 64, messages })).rejects.toMatchObject({
      status: 402,
      type: "billing_error",
      apiMessage: expect.stringContaining("alice"),
    });
    expect(up.refusals()).toBe(3);
    expect(up.upstream.requests).toBe(0);
  });
});

describe("a response that reaches its key's cap", () => {
  const long = "many words ".repeat(400);

  test("ends for a chat client as at the token limit", async () => {
    await using up = await setUpCapped({ tokensPerDay: 500 });
    const asking = up.stream({ ...CHAT, body: { ...CHAT.body, max_tokens: 400 } }, up.bearer);
    const exchange = (await up.upstream.request()).sse();
    exchange.event(chunk("a")).event(chunk(long));
    const client = await asking;
    expect(await client.closed).toBe(true);
    const data = (await client.all()).map((event) => event.data);
    expect(data.at(-1)).toBe("[DONE]");
    expect(JSON.parse(data.at(-2) ?? "").choices[0].finish_reason).toBe("length");
    expect(data.join("")).not.toContain("error");
    expect(up.streamLine()).toMatchObject({ code: "cap_exceeded" });
    await exchange.closed;
  });

  test("ends for a messages client as at the token limit", async () => {
    await using up = await setUpCapped({ tokensPerDay: 500 });
    const asking = up.stream({ ...MESSAGES, body: { ...MESSAGES.body, max_tokens: 400 } }, up.bearer);
    const exchange = (await up.upstream.request()).sse();
    const message = { id: "m", type: "message", role: "assistant", content: [], usage: { input_tokens: 3 } };
    exchange
      .event({ type: "message_start", message }, "message_start")
      .event(
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
        "content_block_start",
      )
      .event(
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: long } },
        "content_block_delta",
      );
    const events = await (await asking).all();
    expect(events.slice(-3).map(({ event }) => event)).toEqual(["content_block_stop", "message_delta", "message_stop"]);
    expect(JSON.parse(events.at(-2)?.data ?? "").delta.stop_reason).toBe("max_tokens");
  });

  test("ends for a responses client as incomplete", async () => {
    await using up = await setUpCapped({ tokensPerDay: 500 });
    const asking = up.stream({ ...RESPONSES, body: { ...RESPONSES.body, max_output_tokens: 400 } }, up.bearer);
    const exchange = (await up.upstream.request()).sse();
    const response = { id: "resp_1", object: "response", status: "in_progress", output: [] };
    exchange
      .event({ type: "response.created", sequence_number: 0, response }, "response.created")
      .event({ type: "response.output_text.delta", sequence_number: 1, delta: long }, "response.output_text.delta");
    const events = await (await asking).all();
    expect(events.at(-1)?.event).toBe("response.incomplete");
    expect(JSON.parse(events.at(-1)?.data ?? "")).toMatchObject({
      sequence_number: 2,
      response: { id: "resp_1", status: "incomplete", incomplete_details: { reason: "max_output_tokens" } },
    });
  });
});
