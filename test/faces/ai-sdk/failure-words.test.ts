import { describe, expect, test } from "@jest/globals";
import { said, setUp } from "./set-up.ts";

const KEY = "sk-test-key-of-the-route";

describe("the user of a chat reads", () => {
  test("which route's key the provider refuses, and never the key", async () => {
    await using up = await setUp();
    const chat = up.chat();
    const sending = chat.sendMessage({ text: "Hello" });
    (await up.upstream.request()).json(401, { error: { message: `Incorrect API key provided: ${KEY}` } });
    await sending;
    expect(chat.error?.message).toMatch(/^The provider refuses the key of the route chat/);
    expect(chat.error?.message).not.toContain(KEY);
    expect(chat.failures).toMatchObject([
      { code: "upstream_http_error", retryable: false, details: { status: 401, reason: "key_refused" } },
    ]);
    expect(JSON.stringify(chat.failures)).not.toContain(KEY);
    expect(chat.messages).toHaveLength(1);
  });

  test("what the provider refuses, on which route", async () => {
    await using up = await setUp();
    const chat = up.chat({ body: { model: "claude" } });
    const sending = chat.sendMessage({ text: "Hello" });
    const error = { type: "invalid_request_error", message: "max_tokens is too large" };
    (await up.upstream.request()).json(400, { type: "error", error });
    await sending;
    expect(chat.error?.message).toBe(
      "The provider refused the request with status 400 (route anthropic): max_tokens is too large.",
    );
  });

  test("that the answer was cut, beside its text, and what it has cost", async () => {
    await using up = await setUp();
    const chat = up.chat();
    const sending = chat.sendMessage({ text: "Hello" });
    (await up.upstream.request()).sse().event(said("Hi")).reset();
    await sending;
    expect(chat.error?.message).toBe("The provider closed the connection before the answer was complete (route chat).");
    expect(chat.failures).toMatchObject([{ code: "upstream_reset", retryable: true }]);
    expect(chat.said).toBe("Hi");
    expect(chat.lastMessage?.metadata).toMatchObject({ model: "gpt", usage: { source: "estimated" } });
  });

  test("which model is unknown, without an upstream being asked", async () => {
    await using up = await setUp();
    const chat = up.chat({ body: { model: "nobody" } });
    await chat.sendMessage({ text: "Hello" });
    expect(chat.error?.message).toMatch(/nobody.*\.$/);
    expect(chat.failures).toMatchObject([{ code: "unknown_model" }]);
  });
});

test("an answer that is stopped tells in its metadata what it has cost", async () => {
  await using up = await setUp();
  const chat = up.chat();
  const sending = chat.sendMessage({ text: "Hello" });
  const exchange = (await up.upstream.request()).sse().event(said("Hi"));
  await up.until(() => chat.said === "Hi");
  const tab = up.chat();
  const resuming = tab.resumeStream();
  await up.until(() => tab.said === "Hi");
  await chat.stop();
  await exchange.closed;
  await Promise.all([sending, resuming]);
  expect(tab.lastMessage?.metadata).toMatchObject({ usage: { source: "estimated" } });
});
