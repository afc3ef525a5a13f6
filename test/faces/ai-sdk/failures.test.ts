import { describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { AiChat } from "../../support/clients/ai-chat.ts";
import { startKeyedGateway } from "../../support/gateways/keyed-gateway.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";
import { said, setUp } from "./set-up.ts";

const directory = temporaryDirectories();

describe("an answer that fails", () => {
  test("before it begins is an error with a sentence, and no message", async () => {
    await using up = await setUp();
    const chat = up.chat();
    const sending = chat.sendMessage({ text: "Hello" });
    (await up.upstream.request()).json(400, { error: { message: "the prompt is too long" } });
    await sending;
    expect(chat.status).toBe("error");
    expect(chat.error?.message).toContain("the prompt is too long");
    expect(chat.messages).toHaveLength(1);
  });

  test("midway is an error, and its text stays", async () => {
    await using up = await setUp();
    const chat = up.chat();
    const sending = chat.sendMessage({ text: "Hello" });
    (await up.upstream.request()).sse().event(said("Hi")).reset();
    await sending;
    expect(chat).toMatchObject({ status: "error", said: "Hi" });
    expect(chat.messages[1]?.parts.at(-1)).toMatchObject({ type: "text", state: "done" });
  });

  test("leaves the other chats of its socket alone", async () => {
    await using up = await setUp();
    const [failing, fine] = [up.chat({ id: "1" }), up.chat({ id: "2" })];
    const other = up.chat({ id: "2", transport: failing.socket });
    const one = failing.sendMessage({ text: "1" });
    const first = await up.upstream.request();
    const two = other.sendMessage({ text: "2" });
    const second = await up.upstream.request();
    first.json(400, { error: { message: "no" } });
    second.sse().event(said("yes")).finishChat();
    await Promise.all([one, two]);
    expect([failing.status, other.said, fine.status]).toEqual(["error", "yes", "ready"]);
  });

  test("for want of an unknown model names it", async () => {
    await using up = await setUp();
    const chat = up.chat({ body: { model: "nobody" } });
    await chat.sendMessage({ text: "Hello" });
    expect(chat.error?.message).toContain("nobody");
  });
});

describe("credentials", () => {
  const setUpKeys = async () => {
    const upstream = await startScriptedUpstream();
    const gateway = await startKeyedGateway(directory(), upstream.url);
    const answerOne = async () => (await upstream.request()).sse().event(said("Hi")).finishChat();
    return {
      upstream,
      gateway,
      /** Whether a chat with these options gets an answer; its error otherwise. */
      async ask(options: ConstructorParameters<typeof AiChat>[1]) {
        using chat = new AiChat(gateway.url, { body: { model: "gpt" }, ...options });
        const sending = chat.sendMessage({ text: "Hello" });
        const failed = sending.then(() => "over");
        if ((await Promise.race([answerOne().then(() => "asked"), failed])) === "asked") await sending;
        return chat.error?.message ?? chat.said;
      },
      async [Symbol.asyncDispose]() {
        await gateway.close();
        await upstream.close();
      },
    };
  };

  test.each<[string, (key: string) => ConstructorParameters<typeof AiChat>[1]]>([
    ["the frame's authorization", (key) => ({ headers: { Authorization: `Bearer ${key}` } })],
    ["the frame's x-api-key", (key) => ({ headers: { "x-api-key": key } })],
    [
      "a subprotocol of the handshake",
      (key) => ({ protocols: ["sluice.ai", `base64url.bearer.sluice.${Buffer.from(key).toString("base64url")}`] }),
    ],
  ])("may stand in %s", async (_, options) => {
    await using up = await setUpKeys();
    expect(await up.ask(options(await up.gateway.makeKey("agent")))).toBe("Hi");
  });

  test("may be a one-time ticket in the query", async () => {
    await using up = await setUpKeys();
    const key = await up.gateway.makeKey("agent");
    const issue = () =>
      fetch(`${up.gateway.url}/v1/ticket`, { method: "POST", headers: { authorization: `Bearer ${key}` } });
    const { ticket } = (await (await issue()).json()) as { ticket: string };
    expect(await up.ask({ params: { ticket } })).toBe("Hi");
    expect(await up.ask({ params: { ticket } })).toContain("connection");
  });

  test("that are missing, wrong, or another key's are refused", async () => {
    await using up = await setUpKeys();
    const key = await up.gateway.makeKey("agent");
    await up.gateway.makeKey("other");
    expect(await up.ask({})).toContain("credentials");
    expect(await up.ask({ headers: { authorization: `Bearer ${key}x` } })).not.toBe("Hi");
    expect(up.upstream.requests).toBe(0);
  });

  test("of another caller find none of a chat's answers", async () => {
    await using up = await setUpKeys();
    const [mine, theirs] = [await up.gateway.makeKey("me"), await up.gateway.makeKey("them")];
    const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` }, body: { model: "gpt" } });
    expect(await up.ask(bearer(mine))).toBe("Hi");
    using thief = new AiChat(up.gateway.url, bearer(theirs));
    await thief.resumeStream();
    expect(thief.messages).toEqual([]);
  });

  test("that are revoked close the socket", async () => {
    await using up = await setUpKeys();
    const key = await up.gateway.makeKey("agent");
    using chat = new AiChat(up.gateway.url, { headers: { authorization: `Bearer ${key}` }, body: { model: "gpt" } });
    const sending = chat.sendMessage({ text: "Hello" });
    (await up.upstream.request()).sse().event(said("Hi"));
    await up.gateway.keys("revoke", "agent");
    await sending;
    expect(chat.error?.message).toContain("no longer valid");
  });
});

test.each([
  ["no JSON", "hello", undefined],
  [
    "no messages",
    { type: "send", requestId: "r1", id: "c", trigger: "submit-message", messages: [], headers: {}, body: {} },
    "r1",
  ],
  ["an unknown type", { type: "steer", requestId: "r2" }, "r2"],
])("a frame with %s is refused by itself, if it names its request", async (_, frame, requestId) => {
  await using up = await setUp();
  const socket = new WebSocket(`${up.gateway.url.replace("http", "ws")}/v1/chat`);
  const frames: unknown[] = [];
  socket.on("message", (data) => frames.push(JSON.parse(data.toString())));
  await new Promise((resolve) => socket.once("open", resolve));
  socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  socket.send(JSON.stringify({ type: "resume", requestId: "last", id: "nothing", headers: {}, body: {} }));
  await up.until(() => frames.some((one) => JSON.stringify(one).includes('"last"')));
  const chunk = { type: "data-error", transient: true, data: { code: "bad_frame", retryable: false } };
  const refusal = [
    { type: "chunk", requestId, sequence: 0, chunk },
    { type: "error", requestId, errorText: expect.stringMatching(/^The frame is wrong at (messages|type): /) },
  ];
  expect(frames).toEqual([...(requestId === undefined ? [] : refusal), { type: "no-active", requestId: "last" }]);
  socket.terminate();
});
