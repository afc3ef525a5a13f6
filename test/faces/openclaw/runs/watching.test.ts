import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type {
  ChatPayload,
  FakeConnection,
  OpenClawClient,
  Payload,
} from "../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const send = (client: OpenClawClient, runId: string): Promise<Payload> =>
  client.request("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: runId });

const deltas = (client: OpenClawClient, runId: string): ChatPayload[] =>
  client.chat(runId).filter(({ state }) => state === "delta");

const inFlight = async (client: OpenClawClient, method = "chat.startup"): Promise<unknown> =>
  (await client.request(method, { sessionKey: "main", limit: 80, maxBytes: 262_144 })).inFlightRun;

/** What a client of the newest kind makes of the deltas: a message is the whole, an increment needs a baseline. */
function rebuilt(payloads: readonly ChatPayload[]): string {
  let text: string | undefined;
  for (const { deltaText = "", message, replace } of payloads) {
    if (message) text = message.content.map((part) => part.text).join("");
    else if (replace) text = deltaText;
    else if (text === undefined) throw new Error("chat stream baseline missing");
    else text += deltaText;
  }
  return text ?? "";
}

describe("several clients", () => {
  test("see the same run, whichever of them started it", async () => {
    await using rig = await startRig();
    using first = await rig.client();
    using second = await rig.client({ scopes: ["operator.read"] });
    await send(first, "r1");
    rig.call.text("a").text("b").finish();
    const shown = (client: OpenClawClient) => client.chat("r1").map(({ seq: _, ...payload }) => payload);
    expect(shown(second)).toHaveLength(3);
    expect(shown(second)).toEqual(shown(first));
  });

  test("see nothing of it without the scope to read", async () => {
    await using rig = await startRig();
    using writer = await rig.client();
    using blind = await rig.client({ scopes: ["operator.approvals"] });
    await send(writer, "r1");
    rig.call.text("secret").finish();
    expect(blind.events.map(({ event }) => event)).toEqual(["connect.challenge"]);
  });
});

describe("a client that joins midway", () => {
  test("finds the text so far in its first page and continues it", async () => {
    await using rig = await startRig();
    using first = await rig.client();
    await send(first, "r1");
    rig.call.text("Once upon ");
    using late = await rig.client();
    expect(await inFlight(late)).toMatchObject({ runId: "r1", text: "Once upon ", sessionAbortable: true });
    rig.call.text("a time");
    expect(deltas(late, "r1")).toMatchObject([
      { deltaText: "Once upon a time", replace: true, message: { content: [{ text: "Once upon a time" }] } },
    ]);
    rig.call.text(".").finish();
    expect(deltas(late, "r1").slice(1)).toMatchObject([{ deltaText: "." }]);
    expect(late.textOf("r1")).toBe("Once upon a time.");
    expect((await late.ended("r1")).message?.content[0]?.text).toBe("Once upon a time.");
  });

  test("and asks again is shown exactly the text it was sent", async () => {
    await using rig = await startRig();
    using first = await rig.client();
    await send(first, "r1");
    rig.call.text("Once ");
    const late = await rig.connection();
    rig.call.text("upon ");
    late.congest();
    rig.call.text("a ");
    expect(await inFlight(late.client, "chat.history")).toMatchObject({ text: "Once upon " });
    late.drain();
    expect(deltas(late.client, "r1").at(-1)).toMatchObject({ deltaText: "a " });
  });

  test("gets the whole text even if the run ends before the next piece", async () => {
    await using rig = await startRig();
    using first = await rig.client();
    await send(first, "r1");
    rig.call.text("All of it");
    using late = await rig.client();
    rig.call.finish();
    expect(late.textOf("r1")).toBe("All of it");
  });

  test("gets thinking and tool calls from their beginning", async () => {
    await using rig = await startRig();
    using first = await rig.client();
    await send(first, "r1");
    rig.call.delta({ reasoning_content: "Hm" });
    rig.call.delta({ tool_calls: [{ index: 0, id: "t1", function: { name: "f", arguments: "{" } }] });
    using late = await rig.client({ caps: ["tool-events"] });
    rig.call.delta({ tool_calls: [{ index: 0, function: { arguments: "}" } }] });
    rig.call.finish();
    expect(late.payloads("agent").map(({ data }) => data)).toEqual([
      { phase: "start", name: "f", toolCallId: "t1" },
      { phase: "input_delta", name: "f", toolCallId: "t1", input_delta: "{}" },
      { delta: "Hm", text: "Hm" },
    ]);
  });
});

test("a client that subscribes again gets a new baseline with its next delta", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await send(client, "r1");
  rig.call.text("a").text("b");
  await client.request("sessions.messages.unsubscribe", { key: "main" });
  rig.call.text("c");
  await client.request("sessions.messages.subscribe", { key: "main" });
  rig.call.text("d").text("e").finish();
  expect(deltas(client, "r1").map(({ deltaText, message }) => [deltaText, message?.content[0]?.text])).toEqual([
    ["a", "a"],
    ["b", undefined],
    ["c", "abc"],
    ["d", "abcd"],
    ["e", undefined],
  ]);
});

describe("a client that disconnects", () => {
  test("does not end its run", async () => {
    await using rig = await startRig();
    const client = await rig.client();
    await send(client, "r1");
    rig.call.text("still ");
    client.hangUp();
    rig.call.text("here").finish();
    expect(rig.call.aborted).toBe(false);
    using back = await rig.client();
    const { messages } = await back.request("chat.history", { sessionKey: "main" });
    expect(messages).toMatchObject([{ role: "user" }, { content: [{ text: "still here" }] }]);
  });
});

describe("a client that reads slowly", () => {
  test("gets what it missed as one piece, without a gap", async () => {
    await using rig = await startRig();
    const slow = await rig.connection();
    using quick = await rig.client();
    await send(slow.client, "r1");
    rig.call.text("a");
    slow.congest();
    rig.call.text("b").text("c").text("d");
    expect(deltas(slow.client, "r1")).toHaveLength(1);
    expect(deltas(quick, "r1")).toHaveLength(4);
    slow.drain();
    expect(deltas(slow.client, "r1").slice(1)).toMatchObject([{ deltaText: "bcd" }]);
    rig.call.text("e").finish();
    expect(slow.client.textOf("r1")).toBe("abcde");
    slow.client.verify();
  });

  test("gets what it missed first, even before its socket reports that it drained", async () => {
    await using rig = await startRig();
    const slow = await rig.connection({ caps: ["tool-events"] });
    await send(slow.client, "r1");
    rig.call.text("a");
    slow.congest();
    rig.call.text("b");
    slow.relieve();
    rig.call.delta({ tool_calls: [{ index: 0, id: "t1", function: { name: "f", arguments: "" } }] });
    expect(slow.client.events.slice(-2)).toMatchObject([
      { event: "chat", payload: { deltaText: "b" } },
      { event: "agent", payload: { data: { phase: "start" } } },
    ]);
  });

  test("never slows the upstream down", async () => {
    await using rig = await startRig();
    const slow = await rig.connection();
    await send(slow.client, "r1");
    slow.congest();
    for (let index = 0; index < 5000; index++) rig.call.text("word ");
    expect(rig.call.paused).toBe(false);
  });

  test("gets the end as well, after all of the text", async () => {
    await using rig = await startRig();
    const slow = await rig.connection();
    await send(slow.client, "r1");
    slow.congest();
    rig.call.text("a").text("b").finish();
    expect(slow.client.chat("r1")).toMatchObject([{ deltaText: "ab" }, { state: "final" }]);
  });
});

describe("in whatever order things happen", () => {
  type Step =
    | { readonly kind: "text" | "thinking" | "tool"; readonly text: string }
    | { readonly kind: "congest" | "relieve" | "drain" | "join" | "leave" | "history"; readonly who: number };

  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom("text", "thinking", "tool"),
        text: fc.string({ minLength: 1, unit: "binary" }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom("congest", "relieve", "drain", "join", "leave", "history"),
        who: fc.nat(3),
      }),
    },
  );

  test("every client has the whole text, and numbers without gaps or repetitions", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await using rig = await startRig();
        const connections: (FakeConnection | undefined)[] = [await rig.connection({ caps: ["tool-events"] })];
        await send(connections[0]?.client as OpenClawClient, "r1");
        let text = "";
        for (const next of steps) {
          if ("text" in next) {
            if (next.kind === "text") {
              rig.call.text(next.text);
              text += next.text;
            } else if (next.kind === "thinking") rig.call.delta({ reasoning_content: next.text });
            else rig.call.delta({ tool_calls: [{ index: 0, id: "t", function: { name: "f", arguments: next.text } }] });
            continue;
          }
          const connection = connections[next.who];
          if (next.kind === "join") connections[next.who] ??= await rig.connection({ caps: ["tool-events"] });
          else if (next.kind === "leave" && next.who > 0) {
            connection?.client.hangUp();
            connections[next.who] = undefined;
          } else if (next.kind === "congest") connection?.congest();
          else if (next.kind === "relieve") connection?.relieve();
          else if (next.kind === "drain") connection?.drain();
          else if (next.kind === "history" && connection) {
            const run = (await inFlight(connection.client)) as { text: string };
            const have = connection.client.textOf("r1");
            expect(run.text).toBe(have === "" ? text : have);
          }
        }
        rig.call.finish();
        for (const connection of connections) {
          if (!connection) continue;
          const { client } = connection;
          client.verify();
          expect(client.textOf("r1")).toBe(text);
          expect(rebuilt(deltas(client, "r1"))).toBe(text);
          const shown = (await client.ended("r1")).message?.content[0]?.text;
          // A run without text says why.
          expect(shown?.replace(/^\[No text: .*$/, "")).toBe(text);
          const numbers = client.events
            .filter(({ payload }) => payload.runId === "r1")
            .map(({ payload }) => Number(payload.seq));
          expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
        }
      }),
      { numRuns: 150 },
    );
  });
});
