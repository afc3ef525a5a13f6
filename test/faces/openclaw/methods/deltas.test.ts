import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { OpenClawClient, Payload } from "../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../support/openclaw/openclaw-rig.ts";

const history = (client: OpenClawClient, fields: object = {}): Promise<Payload> =>
  client.request("chat.history", { sessionKey: "main", ...fields });
const send = (client: OpenClawClient, runId: string, sessionKey = "main"): Promise<Payload> =>
  client.request("chat.send", { sessionKey, message: `say ${runId}`, idempotencyKey: runId });
const inject = (client: OpenClawClient, message: string): Promise<Payload> =>
  client.request("chat.inject", { sessionKey: "main", message });

/** Has a question answered. */
async function turn(rig: Rig, client: OpenClawClient, runId: string, sessionKey = "main"): Promise<void> {
  await send(client, runId, sessionKey);
  rig.call.text(`answer to ${runId}`).finish();
  await client.ended(runId);
}

/** The ids of a page's messages, or of a delta's. */
const idsOf = ({ messages }: Payload): string[] =>
  (messages as { messageId?: string; __openclaw?: { id: string } }[]).map(
    ({ messageId, __openclaw }) => messageId ?? __openclaw?.id ?? "",
  );

describe("a history asked for with its cursor", () => {
  test("is only what came after it, each message as its event had it", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await turn(rig, client, "r1");
    const { deltaCursor: cursor } = await history(client);
    await client.request("sessions.messages.subscribe", { key: "main" });
    await turn(rig, client, "r2");
    const delta = await history(client, { cursor });
    expect(delta).toMatchObject({
      kind: "delta",
      messages: [
        { messageSeq: 3, message: { role: "user" } },
        { messageSeq: 4, message: { role: "assistant" } },
      ],
      pendingInputs: { items: [], total: 0 },
      sessionInfo: { key: "agent:main:main", status: "done" },
    });
    const events = client.payloads("session.message").map(({ message, messageId }) => ({ message, messageId }));
    expect(delta.messages).toMatchObject(events);
    expect(await history(client, { cursor: delta.deltaCursor })).toMatchObject({ kind: "delta", messages: [] });
  });

  test("is empty in a session without messages, and then all of them", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("sessions.create", { key: "main" });
    const { deltaCursor: cursor } = await history(client);
    await turn(rig, client, "r1");
    expect(await history(client, { cursor })).toMatchObject({ kind: "delta", messages: [{}, {}] });
  });

  test("shows the running answer as far as this client has it", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    const { deltaCursor: cursor } = await history(client);
    rig.call.text("half an ");
    expect(await history(client, { cursor })).toMatchObject({
      kind: "delta",
      messages: [],
      inFlightRun: { runId: "r1", text: "half an ", sessionAbortable: true },
      sessionInfo: { hasActiveRun: true, activeRunIds: ["r1"] },
    });
  });

  test("shows waiting messages, and what became of messages that a client is not sure it sent", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    const { deltaCursor: cursor } = await history(client);
    await send(client, "r2");
    const consumedByEventId = expect.any(String);
    expect(await history(client, { cursor, inputRunIds: ["r1", "r2", "never"] })).toMatchObject({
      pendingInputs: { items: [{ runId: "r2" }], total: 1 },
      inputReceipts: [
        { runId: "r1", state: "consumed", consumedByEventId },
        { runId: "r2", state: "pending" },
      ],
      inputConsumptions: [{ runId: "r1", consumedByEventId }],
    });
  });

  test("holds after a restart of the gateway, and has the answer that the stop cut short", async () => {
    await using rig = await startRig();
    using before = await rig.client();
    await send(before, "r1");
    rig.call.text("half an ");
    const { deltaCursor: cursor } = await history(before);
    await using again = await rig.restart();
    using client = await again.client();
    expect(await history(client, { cursor })).toMatchObject({
      kind: "delta",
      messages: [{ message: { role: "assistant", stopReason: "error" } }],
    });
  });

  test("is the same at the start of a page", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await turn(rig, client, "r1");
    const { deltaCursor: cursor } = await client.request("chat.startup", { sessionKey: "main" });
    await inject(client, "a word");
    expect(await client.request("chat.startup", { sessionKey: "main", cursor })).toMatchObject({
      kind: "delta",
      messages: [{ messageSeq: 3 }],
    });
  });

  test("is asked for anew after a reset, a deletion, and with a cursor of another session or of nobody's", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await turn(rig, client, "r1");
    await turn(rig, client, "r2", "second");
    const { deltaCursor: cursor } = await history(client);
    for (const foreign of [cursor, `${cursor}x`, "", "0", "agent:main:second"]) {
      expect(await history(client, { sessionKey: "second", cursor: foreign })).toEqual({ kind: "reset" });
    }
    await client.request("sessions.reset", { key: "main" });
    expect(await history(client, { cursor })).toEqual({ kind: "reset" });
    const { deltaCursor: ofSecond } = await history(client, { sessionKey: "second" });
    await client.request("sessions.delete", { key: "second" });
    expect(await history(client, { sessionKey: "second", cursor: ofSecond })).toEqual({ kind: "reset" });
  });

  test("is asked for anew if more than 200 messages or more than the asked bytes came after it", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await inject(client, "the first");
    const { deltaCursor: cursor } = await history(client);
    await inject(client, "x".repeat(2_000));
    expect(await history(client, { cursor, maxBytes: 4_000 })).toMatchObject({ kind: "delta" });
    expect(await history(client, { cursor, maxBytes: 2_000 })).toEqual({ kind: "reset" });
    for (let count = 2; count <= 200; count++) await inject(client, "more");
    expect((await history(client, { cursor })).messages).toHaveLength(200);
    await inject(client, "one too many");
    expect(await history(client, { cursor })).toEqual({ kind: "reset" });
  });

  test("leads any number of clients to the same messages as a page, whatever happens in between", async () => {
    const steps = fc.array(
      fc.constantFrom("turn", "inject", "reset", "restart", "read one", "read other", "page one"),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (happenings) => {
        let rig = await startRig();
        await using end = new AsyncDisposableStack();
        end.defer(() => rig[Symbol.asyncDispose]());
        let client = await rig.client();
        const seen: Record<string, { ids: string[]; cursor: unknown }> = {};
        const read = async (name: string) => {
          const { ids = [], cursor } = seen[name] ?? {};
          let answer = await history(client, { limit: 1000, ...(cursor !== undefined && { cursor }) });
          if (answer.kind === "reset") answer = await history(client, { limit: 1000 });
          const added = idsOf(answer);
          seen[name] = { ids: answer.kind === "delta" ? [...ids, ...added] : added, cursor: answer.deltaCursor };
          expect(seen[name]?.ids).toEqual(idsOf(await history(client, { limit: 1000 })));
        };
        for (const [index, happening] of happenings.entries()) {
          if (happening === "turn") await turn(rig, client, `r${index}`);
          else if (happening === "inject") await inject(client, `word ${index}`);
          else if (happening === "reset") await client.request("sessions.reset", { key: "main" });
          else if (happening === "restart") {
            rig = await rig.restart();
            client = await rig.client();
          } else await read(happening);
        }
        await read("read one");
        await read("read other");
      }),
      { numRuns: 40 },
    );
  });
});

describe("a question for receipts, as the Control UI asks in each turn", () => {
  const ask = (client: OpenClawClient, inputRunIds: string[]) => history(client, { inputRunIds, limit: 1000 });

  test("is answered with the messages asked for, not with the whole history", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    for (const runId of ["r1", "r2", "r3", "r4"]) await turn(rig, client, runId);
    expect(await ask(client, ["r3"])).toMatchObject({
      inputReceipts: [{ runId: "r3", state: "consumed" }],
      messages: [{ __openclaw: { seq: 5, idempotencyKey: "r3:user" } }],
      hasMore: true,
      totalMessages: 8,
      nextOffset: 4,
    });
    expect((await ask(client, ["r3", "r2"])).messages).toHaveLength(3);
  });

  test("is answered with the whole history if a message never arrived, or if a size is named", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    for (const runId of ["r1", "r2"]) await turn(rig, client, runId);
    expect((await ask(client, ["r2", "never"])).messages).toHaveLength(4);
    expect((await history(client, { inputRunIds: ["r2"], maxBytes: 100_000 })).messages).toHaveLength(4);
  });
});
