import { describe, expect, test } from "@jest/globals";
import { png } from "../../../support/browser/png.ts";
import type { OpenClawClient } from "../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../support/openclaw/openclaw-rig.ts";

const PICTURE = png(2, [40, 160, 90]).toString("base64");
const attachments = [{ mimeType: "image/png", fileName: "dot.png", content: PICTURE }];

async function ask(rig: Rig, client: OpenClawClient, idempotencyKey: string, fields: object = {}): Promise<void> {
  await client.request("chat.send", { sessionKey: "main", message: "and this?", idempotencyKey, ...fields });
  rig.call.text("a dot").finish();
  await client.ended(idempotencyKey);
}

const NOTE = /^\[Sent to the model again with this message: a file of earlier ones, 1 KB\.\]$/;

describe("an answer whose question sent earlier files again", () => {
  test("ends with a note of what that was, in its last event and in the history, which no model reads", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await ask(rig, client, "r1", { attachments });
    for (const run of ["r2", "r3"]) await ask(rig, client, run);
    expect(JSON.stringify(rig.call.body)).toContain(PICTURE);
    expect(JSON.stringify(rig.call.body)).not.toContain("Sent to the model again");
    const noted = [{ text: "a dot" }, { type: "text", text: expect.stringMatching(NOTE) }];
    const { messages } = await client.request("chat.history", { sessionKey: "main" });
    expect(messages).toMatchObject([
      {},
      { content: [{ text: "a dot" }] },
      {},
      { content: noted },
      {},
      { content: noted },
    ]);
    const finals = client.events
      .filter(({ payload }) => payload.state === "final")
      .map(({ payload }) => payload.message);
    expect(finals).toMatchObject([{ content: [{ text: "a dot" }] }, { content: noted }, { content: noted }]);
  });
});

test("files older than the newest messages that keep theirs are named instead", async () => {
  await using rig = await startRig({ settings: { historyFileTurns: 2 } });
  using client = await rig.client();
  await ask(rig, client, "r1", { attachments });
  await ask(rig, client, "r2");
  expect(JSON.stringify(rig.call.body)).toContain(PICTURE);
  await ask(rig, client, "r3");
  expect(JSON.stringify(rig.call.body)).not.toContain(PICTURE);
  expect(JSON.stringify(rig.call.body)).toContain("[dot.png: attached earlier, not sent again]");
  const { messages } = await client.request("chat.history", { sessionKey: "main" });
  expect(messages).toMatchObject([{}, {}, {}, {}, {}, { content: [{ text: "a dot" }] }]);
});
