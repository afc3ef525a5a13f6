import { expect, test } from "@jest/globals";
import type { OpenClawClient } from "../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const send = (client: OpenClawClient, runId: string) =>
  client.request("chat.send", { sessionKey: "main", message: "Hi", idempotencyKey: runId });

test.each<[string, object, string, string]>([
  ["only reasoning", { reasoning_content: "They greet me." }, "stop", "the model ended its answer after its reasoning"],
  [
    "nothing that passed a filter",
    { content: "" },
    "content_filter",
    "the provider withheld the answer (content_filter)",
  ],
  [
    "only reasoning up to the limit",
    { reasoning_content: "Hm." },
    "length",
    "the answer reached its token limit before its first word",
  ],
  ["nothing at all", {}, "stop", "the provider sent none (stop)"],
  ["blanks", { content: "\n \n" }, "stop", "the provider sent none (stop)"],
])(
  "a run that completes with %s says why there is no text, at its end and in every history",
  async (_, delta, finish, why) => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    rig.call.delta(delta).delta({}, finish).event(undefined, "[DONE]");
    const note = { type: "text", text: `[No text: ${why}.]` };
    expect(await client.ended("r1")).toMatchObject({
      state: "final",
      message: { content: expect.arrayContaining([note]) },
    });
    using other = await rig.client();
    const { messages } = await other.request("chat.history", { sessionKey: "main" });
    expect((messages as { content: unknown }[]).at(-1)?.content).toContainEqual(note);
    await send(client, "r2");
    expect(JSON.stringify(rig.call.body)).not.toContain("No text");
  },
);

test("a run that completes with a tool call or with text says nothing of it", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  const call = { index: 0, id: "c", function: { name: "look", arguments: "{}" } };
  for (const [runId, delta] of [
    ["r1", { tool_calls: [call] }],
    ["r2", { content: "Hello" }],
  ] as const) {
    await send(client, runId);
    rig.call.delta(delta).delta({}, "tool_calls").event(undefined, "[DONE]");
    expect(JSON.stringify(await client.ended(runId))).not.toContain("No text");
  }
});

test("a run that fails without text has its error and no note", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await send(client, "r1");
  rig.call.data({ error: { type: "server_error", message: "it broke" } });
  const end = await client.ended("r1");
  expect(end).toMatchObject({
    state: "error",
    errorMessage: "The provider reported an error (route openai): it broke.",
  });
  expect(JSON.stringify(end)).not.toContain("No text");
});
