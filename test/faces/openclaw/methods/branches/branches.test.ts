import { describe, expect, test } from "@jest/globals";
import { startTestGateway, type TestGateway } from "../../../../support/gateways/gateway.ts";
import { OpenClawClient, type Payload } from "../../../../support/openclaw/openclaw-client.ts";
import { temporaryDirectories } from "../../../../support/stores/temporary-directory.ts";
import { ChatScript } from "../../../../support/upstreams/chat-script.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../../../../support/upstreams/scripted-upstream.ts";

const newDirectory = temporaryDirectories();
const KEY = "agent:main:trip";
const named = { sessionKey: KEY };

interface Stage extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly client: OpenClawClient;
  /** Sends a question and answers it. Resolves to what the upstream was asked. */
  turn(question: string, answer: string, fields?: object): Promise<string>;
  /** Another client of the same gateway. */
  connect(): Promise<OpenClawClient>;
  /** Stops the gateway and starts another over the same directory. */
  restart(): Promise<void>;
}

/** A gateway with a store on disk, and a client over a real socket. */
async function startStage(): Promise<Stage> {
  await using started = new AsyncDisposableStack();
  const upstream = started.use(await startScriptedUpstream());
  const config = { data: { store: "sqlite", directory: newDirectory() }, defaultModel: "gpt" };
  let gateway: TestGateway;
  let client: OpenClawClient;
  let turns = 0;
  const connect = async () => {
    const opened = await OpenClawClient.dial(gateway.url);
    await opened.connect();
    return opened;
  };
  const start = async () => {
    gateway = await startTestGateway({ upstream: upstream.url, config });
    client = await connect();
  };
  const stop = async () => {
    client.hangUp();
    await gateway.close();
  };
  await start();
  started.defer(() => stop());
  const owned = started.move();
  return {
    upstream,
    get client() {
      return client;
    },
    connect,
    async turn(question, answer, fields = {}) {
      const runId = `r${++turns}`;
      await client.request("chat.send", { ...named, message: question, idempotencyKey: runId, ...fields });
      const exchange = await upstream.request();
      new ChatScript(exchange).text(answer).finish();
      await client.ended(runId);
      return exchange.body;
    },
    async restart() {
      await stop();
      await start();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const history = (client: OpenClawClient, sessionKey = KEY) => client.request("chat.history", { sessionKey });
/** The texts of a history, and its messages' ids by text. */
async function shown(client: OpenClawClient, sessionKey = KEY) {
  const { messages } = (await history(client, sessionKey)) as {
    messages: (Payload & { __openclaw: { id: string } })[];
  };
  const texts = messages.map(({ content }) => (typeof content === "string" ? content : textOf(content)));
  return { texts, ids: Object.fromEntries(messages.map(({ __openclaw: { id } }, index) => [texts[index], id])) };
}
const textOf = (content: unknown) => (content as { text: string }[]).map(({ text }) => text).join("");
const idOf = async (client: OpenClawClient, text: string) => (await shown(client)).ids[text] ?? "";
const branches = async (client: OpenClawClient) =>
  (await client.request("sessions.branches.list", named)).branches as readonly Payload[];

describe("sessions.rewind to a question", () => {
  test("gives it back for editing; what is sent then is a sibling, and upstream sees that branch alone", async () => {
    await using stage = await startStage();
    const { client } = stage;
    await stage.turn("Where to?", "To the sea.");
    await stage.turn("When?", "In May.");
    const entryId = await idOf(client, "When?");
    expect(await client.request("sessions.rewind", { ...named, entryId })).toEqual({ editorText: "When?" });
    expect((await shown(client)).texts).toEqual(["Where to?", "To the sea."]);
    const asked = await stage.turn("How long?", "A week.");
    expect(JSON.parse(asked).messages).toMatchObject([
      { role: "user", content: "Where to?" },
      { role: "assistant", content: "To the sea." },
      { role: "user", content: "How long?" },
    ]);
    expect((await shown(client)).texts).toEqual(["Where to?", "To the sea.", "How long?", "A week."]);
    expect(await branches(client)).toEqual([
      {
        leafEntryId: expect.any(String),
        headline: "A week.",
        messageCount: 4,
        updatedAt: expect.any(String),
        active: true,
      },
      {
        leafEntryId: expect.any(String),
        headline: "In May.",
        messageCount: 4,
        updatedAt: expect.any(String),
        active: false,
      },
    ]);
  });

  test("asks the first question again if it is sent unchanged: a second answer beside the first", async () => {
    await using stage = await startStage();
    await stage.turn("Where to?", "To the sea.");
    await stage.client.request("sessions.rewind", { ...named, entryId: await idOf(stage.client, "Where to?") });
    expect((await shown(stage.client)).texts).toEqual([]);
    expect(JSON.parse(await stage.turn("Where to?", "To the hills.")).messages).toHaveLength(1);
    expect((await branches(stage.client)).map(({ headline }) => headline)).toEqual(["To the hills.", "To the sea."]);
  });

  test("gives back its pictures", async () => {
    await using stage = await startStage();
    const content = "iVBORw0KGgo=";
    await stage.turn("What is this?", "A picture.", {
      attachments: [{ type: "image", mimeType: "image/png", fileName: "a.png", content }],
    });
    const { messages } = await history(stage.client);
    const [{ __openclaw: { id: entryId } = { id: "" } } = {}] = messages as { __openclaw: { id: string } }[];
    expect(await stage.client.request("sessions.rewind", { ...named, entryId })).toEqual({
      editorText: "What is this?",
      editorAttachments: [{ mimeType: "image/png", data: content }],
    });
  });

  test("renews the session's id and tells the clients that follow sessions", async () => {
    await using stage = await startStage();
    using other = await stage.connect();
    await other.request("sessions.subscribe", {});
    await stage.turn("Where to?", "To the sea.");
    const { sessionId } = await history(stage.client);
    await stage.client.request("sessions.rewind", { ...named, entryId: await idOf(stage.client, "Where to?") });
    const after = await history(stage.client);
    expect(after.sessionId).not.toBe(sessionId);
    expect(after.sessionInfo).toMatchObject({ activeLeafEntryId: null });
    expect(after.sessionInfo).not.toHaveProperty("lastRunId");
    const isRewind = ({ reason }: Payload) => reason === "rewind";
    const told = await other.until(() => other.payloads("sessions.changed").find(isRewind));
    expect(told).toMatchObject({ sessionKey: KEY, session: { sessionId: after.sessionId } });
  });
});

describe("sessions.branches.switch", () => {
  test("goes to another branch and back, and the next message continues it", async () => {
    await using stage = await startStage();
    const { client } = stage;
    await stage.turn("Where to?", "To the sea.");
    await client.request("sessions.rewind", { ...named, entryId: await idOf(client, "Where to?") });
    await stage.turn("To the hills?", "Why not.");
    const [, old] = await branches(client);
    expect(await client.request("sessions.branches.switch", { ...named, leafEntryId: old?.leafEntryId })).toEqual({});
    expect((await shown(client)).texts).toEqual(["Where to?", "To the sea."]);
    await stage.turn("When?", "In May.");
    expect((await shown(client)).texts).toEqual(["Where to?", "To the sea.", "When?", "In May."]);
    expect((await branches(client)).map(({ headline, active }) => [headline, active])).toEqual([
      ["In May.", true],
      ["Why not.", false],
    ]);
  });

  test("is refused for a message in the middle, the active branch and an unknown message", async () => {
    await using stage = await startStage();
    const { client } = stage;
    await stage.turn("Where to?", "To the sea.");
    const refusal = async (leafEntryId: string | undefined) =>
      (await client.refusal("sessions.branches.switch", { ...named, leafEntryId })).message;
    const { ids } = await shown(client);
    expect(await refusal(ids["Where to?"])).toMatch(/ends no branch/);
    expect(await refusal(ids["To the sea."])).toMatch(/is the active one/);
    expect(await refusal("nobody")).toMatch(/ends no branch/);
  });
});

describe("sessions.fork from a question", () => {
  test("makes a session with the conversation before it, and gives the question for editing", async () => {
    await using stage = await startStage();
    const { client } = stage;
    await client.request("sessions.patch", { key: KEY, thinkingLevel: "low" });
    await stage.turn("Where to?", "To the sea.");
    await stage.turn("When?", "In May.");
    const forked = await client.request("sessions.fork", { ...named, entryId: await idOf(client, "When?") });
    expect(forked).toEqual({ sessionKey: expect.stringMatching(/^agent:main:dashboard:/), editorText: "When?" });
    const key = String(forked.sessionKey);
    expect((await shown(client, key)).texts).toEqual(["Where to?", "To the sea."]);
    expect((await shown(client)).texts).toHaveLength(4);
    expect((await history(client, key)).sessionInfo).toMatchObject({ thinkingLevel: "low", derivedTitle: "Where to?" });
    await stage.restart();
    expect((await shown(stage.client, key)).texts).toEqual(["Where to?", "To the sea."]);
  });

  test("copies the active branch alone, as one line, and commands stay unsent", async () => {
    await using stage = await startStage();
    const { client } = stage;
    await stage.turn("Where to?", "To the sea.");
    await client.request("sessions.rewind", { ...named, entryId: await idOf(client, "Where to?") });
    await client.request("chat.send", { ...named, message: "/model", idempotencyKey: "c1" });
    await client.ended("c1");
    await stage.turn("To the hills?", "Why not.");
    await stage.turn("When?", "In May.");
    const { sessionKey } = await client.request("sessions.fork", { ...named, entryId: await idOf(client, "When?") });
    const { branches: list } = await client.request("sessions.branches.list", { sessionKey });
    expect(list).toMatchObject([{ headline: "Why not.", messageCount: 4 }]);
    const asked = JSON.parse(await stage.turn("How?", "By train.", { sessionKey })).messages;
    expect(asked).toMatchObject([{ content: "To the hills?" }, {}, { content: "How?" }]);
  });
});

test("all branches, the chosen one included, are there after a restart", async () => {
  await using stage = await startStage();
  await stage.turn("Where to?", "To the sea.");
  await stage.turn("When?", "In May.");
  await stage.client.request("sessions.rewind", { ...named, entryId: await idOf(stage.client, "When?") });
  const before = await branches(stage.client);
  await stage.restart();
  expect((await shown(stage.client)).texts).toEqual(["Where to?", "To the sea."]);
  expect(await branches(stage.client)).toEqual(before);
  await stage.turn("How long?", "A week.");
  await stage.restart();
  expect((await shown(stage.client)).texts).toEqual(["Where to?", "To the sea.", "How long?", "A week."]);
  const [, old] = await branches(stage.client);
  await stage.client.request("sessions.branches.switch", { ...named, leafEntryId: old?.leafEntryId });
  await stage.restart();
  expect((await shown(stage.client)).texts).toEqual(["Where to?", "To the sea.", "When?", "In May."]);
  await stage.client.request("sessions.reset", { key: KEY });
  await stage.turn("Hello", "Hi.");
  await stage.restart();
  expect((await shown(stage.client)).texts).toEqual(["Hello", "Hi."]);
  expect(await branches(stage.client)).toHaveLength(1);
});

describe("going back is refused", () => {
  test("while an answer runs or messages wait, and says so", async () => {
    await using stage = await startStage();
    const { client } = stage;
    await stage.turn("Where to?", "To the sea.");
    const { ids } = await shown(client);
    await client.request("chat.send", { ...named, message: "When?", idempotencyKey: "busy" });
    const answer = new ChatScript(await stage.upstream.request());
    const entry = { ...named, entryId: ids["Where to?"] };
    for (const [method, params] of [
      ["sessions.rewind", entry],
      ["sessions.fork", entry],
      ["sessions.branches.switch", { ...named, leafEntryId: ids["To the sea."] }],
    ] as const) {
      expect(await client.refusal(method, params)).toMatchObject({
        code: "UNAVAILABLE",
        message: expect.stringMatching(/an answer is running/),
        details: { code: "session_busy" },
      });
    }
    answer.finish();
    await client.ended("busy");
    expect((await shown(client)).texts).toHaveLength(4);
  });

  test("to an answer, to a message of another branch, to one that is not there, in no session, and in an archived one", async () => {
    await using stage = await startStage();
    const { client } = stage;
    await stage.turn("Where to?", "To the sea.");
    const { ids } = await shown(client);
    const refusal = async (fields: object) =>
      (await client.refusal("sessions.rewind", { ...named, entryId: ids["Where to?"], ...fields })).message;
    expect(await refusal({ entryId: ids["To the sea."] })).toMatch(/is no user's message/);
    expect(await refusal({ entryId: "nobody" })).toMatch(/is not in this session/);
    expect(await refusal({ sessionKey: "nowhere" })).toBe("no such session");
    await client.request("sessions.patch", { key: KEY, archived: true });
    expect(await refusal({})).toMatch(/archived/);
    await client.request("sessions.patch", { key: KEY, archived: false });
    await client.request("sessions.rewind", { ...named, entryId: ids["Where to?"] });
    expect(await refusal({})).toMatch(/is on another branch/);
  });
});

describe("a message that names the last one its sender sees", () => {
  const send = (client: OpenClawClient, fields: object) =>
    client.request("chat.send", { ...named, message: "And now?", idempotencyKey: "leaf", ...fields });
  const refused = {
    message: expect.stringMatching(/has changed meanwhile/),
    details: { reason: "active-leaf-changed" },
  };

  test("is refused if that is on another branch, and sent if the conversation has only grown", async () => {
    await using stage = await startStage();
    const { client } = stage;
    await stage.turn("Where to?", "To the sea.");
    await stage.turn("When?", "In May.");
    const { sessionId } = await history(client);
    const { ids } = await shown(client);
    const early = { sessionId, expectedLeafEntryId: ids["To the sea."] };
    await client.request("sessions.rewind", { ...named, entryId: ids["When?"] });
    for (const fields of [{ sessionId, expectedLeafEntryId: ids["In May."] }, early]) {
      const params = { ...named, message: "And now?", idempotencyKey: "leaf", ...fields };
      expect(await client.refusal("chat.send", params)).toMatchObject(refused);
    }
    const now = await history(client);
    await stage.turn("How long?", "A week.", {
      sessionId: now.sessionId,
      expectedLeafEntryId: (now.sessionInfo as Payload).activeLeafEntryId,
    });
    await send(client, { ...early, sessionId: now.sessionId });
    expect(stage.upstream.requests).toBe(4);
  });

  test("is sent to a session that began meanwhile, and refused if its session is gone", async () => {
    await using stage = await startStage();
    const { client } = stage;
    expect((await history(client)).sessionInfo).toMatchObject({ activeLeafEntryId: null });
    await stage.turn("Where to?", "To the sea.", { expectedLeafEntryId: null });
    await stage.turn("When?", "In May.", { expectedLeafEntryId: null });
    const { ids } = await shown(client);
    await client.request("sessions.delete", { key: KEY });
    const params = { ...named, message: "And now?", idempotencyKey: "leaf", expectedLeafEntryId: ids["In May."] };
    expect(await client.refusal("chat.send", params)).toMatchObject(refused);
    expect((await client.request("sessions.describe", { key: KEY })).session).toBeNull();
  });
});
