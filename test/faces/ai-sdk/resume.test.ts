import { describe, expect, test } from "@jest/globals";
import { said, setUp } from "./set-up.ts";

const TOOL = { body: { model: "gpt", tools: [{ name: "weather", parameters: { type: "object" } }] } };

/** A chat whose model has called a tool, whose tool has run, and whose model has gone on with "Wet". */
async function afterTool(up: Awaited<ReturnType<typeof setUp>>, output: unknown) {
  const chat = up.chat({ ...TOOL, tool: () => output });
  const sending = chat.sendMessage({ text: "Weather?" });
  const call = { index: 0, id: "c1", function: { name: "weather", arguments: '{"city":"Ulm"}' } };
  (await up.upstream.request())
    .sse()
    .event(said("I look."))
    .event({ choices: [{ index: 0, delta: { tool_calls: [call] } }] })
    .event({ choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] })
    .event("[DONE]")
    .end();
  const exchange = (await up.upstream.request()).sse().event(said("Wet"));
  await up.until(() => chat.said === "I look.Wet");
  return { chat, sending, exchange };
}

describe("a chat whose socket was cut in mid-answer", () => {
  test("resumes on a new socket with the whole text, as the same message", async () => {
    await using up = await setUp();
    const chat = up.chat();
    const sending = chat.sendMessage({ text: "Hello" });
    const exchange = (await up.upstream.request()).sse().event(said("One, "));
    await up.until(() => chat.said === "One, ");
    const { id } = chat.messages[1] ?? {};
    chat.socket.close();
    await sending;
    expect(chat.status).toBe("error");
    exchange.event(said("two, "));
    const resuming = chat.resumeStream();
    await up.until(() => chat.said === "One, two, ");
    exchange.event(said("three")).finishChat();
    await resuming;
    expect(chat).toMatchObject({ said: "One, two, three", status: "ready" });
    expect(chat.messages.map((message) => message.id)).toEqual([chat.messages[0]?.id, id]);
    expect(up.upstream.requests).toBe(1);
  });

  test("is read by another tab at the same time, and stopped from either", async () => {
    await using up = await setUp();
    const chat = up.chat();
    const sending = chat.sendMessage({ text: "Hello" });
    const exchange = (await up.upstream.request()).sse().event(said("Hi"));
    await up.until(() => chat.said === "Hi");
    const tab = up.chat();
    const resuming = tab.resumeStream();
    await up.until(() => tab.said === "Hi");
    exchange.event(said(" there"));
    await up.until(() => tab.said === "Hi there" && chat.said === "Hi there");
    await tab.stop();
    await exchange.closed;
    await Promise.all([sending, resuming]);
    expect(chat).toMatchObject({ said: "Hi there", status: "ready" });
  });

  test("continues for its grace time without a reader, and then its upstream is closed", async () => {
    await using up = await setUp({ limits: { graceMs: 50 } });
    const chat = up.chat();
    const sending = chat.sendMessage({ text: "Hello" });
    const exchange = (await up.upstream.request()).sse().event(said("Hi"));
    await up.until(() => chat.said === "Hi");
    chat.socket.close();
    await sending;
    await exchange.closed;
    await chat.resumeStream();
    expect(chat.said).toBe("Hi");
  });
});

describe("an answer that goes on after a tool", () => {
  test("resumes with the call and its result before it, and the tool runs once", async () => {
    await using up = await setUp();
    const { chat, sending, exchange } = await afterTool(up, { sky: "grey" });
    const runs: string[] = [];
    const page = up.chat({ ...TOOL, tool: (name) => runs.push(name) });
    page.messages = structuredClone(chat.messages);
    const resuming = page.resumeStream();
    exchange.event(said(" and cold")).finishChat();
    await Promise.all([sending, resuming]);
    expect(page.messages).toEqual(chat.messages);
    expect(page.parts.map(({ type }) => type)).toEqual(["step-start", "text", "tool-weather", "step-start", "text"]);
    expect(page.said).toBe("I look.Wet and cold");
    expect(runs).toEqual([]);
  });

  test("cannot be resumed when what came before is larger than a log may be", async () => {
    await using up = await setUp({ limits: { logBytes: 4096 } });
    const { chat, sending, exchange } = await afterTool(up, "x".repeat(5000));
    const page = up.chat(TOOL);
    page.messages = structuredClone(chat.messages);
    await page.resumeStream();
    expect(page.messages).toEqual(chat.messages);
    exchange.finishChat();
    await sending;
  });
});

describe("a resume", () => {
  test("of a chat that asked nothing finds nothing, at once", async () => {
    await using up = await setUp();
    const chat = up.chat();
    await chat.resumeStream();
    expect(chat).toMatchObject({ status: "ready", messages: [] });
  });

  test("of an answer that has ended replays it, as a page does that is loaded again", async () => {
    await using up = await setUp();
    const chat = up.chat();
    const sending = chat.sendMessage({ text: "Hello" });
    (await up.upstream.request()).sse().event(said("Hi")).event(said(" there")).finishChat();
    await sending;
    const page = up.chat();
    await page.resumeStream();
    expect(page.messages).toEqual([chat.messages[1]]);
  });

  test("of a failed answer finds nothing, and the chat goes on with a new question", async () => {
    await using up = await setUp();
    const chat = up.chat();
    const sending = chat.sendMessage({ text: "Hello" });
    (await up.upstream.request()).sse().event(said("Hi")).reset();
    await sending;
    const page = up.chat();
    await page.resumeStream();
    expect(page.messages).toEqual([]);
    const again = page.sendMessage({ text: "Hello" });
    (await up.upstream.request()).sse().event(said("Yes")).finishChat();
    await again;
    expect(page.said).toBe("Yes");
  });
});

test("a second question while the answer to the first runs is refused, and the first goes on", async () => {
  await using up = await setUp();
  const chat = up.chat();
  const sending = chat.sendMessage({ text: "Hello" });
  const exchange = (await up.upstream.request()).sse();
  const tab = up.chat();
  await tab.sendMessage({ text: "Hello" });
  expect(tab.error?.message).toBe("A response is already active for this chat.");
  exchange.event(said("Hi")).finishChat();
  await sending;
  expect(chat.said).toBe("Hi");
  expect(up.upstream.requests).toBe(1);
});
