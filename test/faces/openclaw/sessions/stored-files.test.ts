import { expect, test } from "@jest/globals";
import { png } from "../../../support/browser/png.ts";
import type { OpenClawClient } from "../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../support/openclaw/openclaw-rig.ts";

const PICTURE = png(2, [40, 160, 90]);
const attachments = [{ mimeType: "image/png", fileName: "dot.png", content: PICTURE.toString("base64") }];

async function ask(rig: Rig, client: OpenClawClient, sessionKey: string): Promise<void> {
  const idempotencyKey = `run-${sessionKey}`;
  await client.request("chat.send", { sessionKey, message: "What is this?", idempotencyKey, attachments });
  rig.call.text("a dot").finish();
  await client.ended(idempotencyKey);
}

/** What a picture's address leads to, decoded. */
async function fileAt(rig: Rig, sessionKey: string, url: string) {
  const file = await rig.face.fileOf(sessionKey, url);
  if (!file) return undefined;
  const { read, ...facts } = file;
  return { ...facts, bytes: read() };
}

/** The first address of a file in a history. */
const addressIn = (history: unknown): string => String(/media:\/\/inbound\/[^"]+/.exec(JSON.stringify(history)));

const addressOf = async (client: OpenClawClient, sessionKey: string): Promise<string> =>
  addressIn(await client.request("chat.history", { sessionKey }));

test("a picture is found by the address in its history, by no other, and under its session alone", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await ask(rig, client, "one");
  await ask(rig, client, "two");
  const url = await addressOf(client, "one");
  expect(await fileAt(rig, "one", url)).toEqual({
    mimeType: "image/png",
    fileName: "dot.png",
    sizeBytes: PICTURE.length,
    bytes: PICTURE,
  });
  expect(await rig.face.fileOf("two", url)).toBeUndefined();
  for (const other of ["-0.png", "-1.png", "-0", "-00000.png", "/../x-0.png"]) {
    expect(
      await rig.face.fileOf("one", url.replace("-0.png", "").concat(other === "-0.png" ? "x-0.png" : other)),
    ).toBeUndefined();
  }
  for (const wrong of ["", "file:///etc/passwd", "media://inbound/%-0.png", "media://inbound/..%2f-0.png"]) {
    expect(await rig.face.fileOf("one", wrong)).toBeUndefined();
  }
});

test("a picture is there after a restart, without its transcript being read into memory", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await ask(rig, client, "one");
  const url = await addressOf(client, "one");
  const read: string[] = [];
  const { transcripts } = rig;
  const messages = transcripts.messages.bind(transcripts);
  transcripts.messages = (key) => {
    read.push(key);
    return messages(key);
  };
  await using again = await rig.restart();
  expect(await fileAt(again, "one", url)).toMatchObject({ bytes: PICTURE });
  expect(read).toEqual([]);
});

test("a picture of a message that waits for its turn is found too", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  await client.request("chat.send", { sessionKey: "main", message: "first", idempotencyKey: "r1" });
  await client.request("chat.send", { sessionKey: "main", message: "", idempotencyKey: "r/2 ü", attachments });
  const { pendingInputs } = await client.request("chat.history", { sessionKey: "main" });
  expect(await fileAt(rig, "main", addressIn(pendingInputs))).toMatchObject({ bytes: PICTURE });
});

test("a fork has its pictures; a reset or deleted session has none, loaded or not", async () => {
  await using rig = await startRig();
  using client = await rig.client({ scopes: ["operator.admin"] });
  for (const key of ["one", "two", "three"]) await ask(rig, client, key);
  const [one, two] = [await addressOf(client, "one"), await addressOf(client, "two")];
  const forked = await client.request("sessions.create", { parentSessionKey: "one", fork: true });
  const fork = String(forked.key);
  const copy = await addressOf(client, fork);
  await client.request("sessions.reset", { key: "one" });
  await client.request("sessions.delete", { key: "two" });
  expect(await rig.face.fileOf("one", one)).toBeUndefined();
  expect(await rig.face.fileOf("two", two)).toBeUndefined();
  expect(await fileAt(rig, fork, copy)).toMatchObject({ bytes: PICTURE });
  await using again = await rig.restart();
  using later = await again.client({ scopes: ["operator.admin"] });
  const three = await addressOf(later, "three");
  await later.request("sessions.reset", { key: "three" });
  expect(await again.face.fileOf("three", three)).toBeUndefined();
  expect(await fileAt(again, fork, copy)).toMatchObject({ bytes: PICTURE });
});
