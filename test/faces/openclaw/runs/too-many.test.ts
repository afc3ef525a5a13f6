import { describe, expect, test } from "@jest/globals";
import { ChatSendParams } from "../../../../protocol/openclaw/chat-params.ts";
import { ConnectParams } from "../../../../protocol/openclaw/frames.ts";
import { SessionsPreviewParams, SessionsSearchParams } from "../../../../protocol/openclaw/session-params.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";
import { costlyConnect } from "../../../support/recordings/costly-json.ts";

const CLIENT = { id: "cli", version: "1", platform: "linux", mode: "cli" };
const CONNECT = { minProtocol: 4, maxProtocol: 4, client: CLIENT };
const CHAT = { sessionKey: "main", message: "hi", idempotencyKey: "k" };

describe("a list that is too long has one fault, whatever is wrong with its members", () => {
  test.each([
    ["scopes of a connect", ConnectParams, { ...CONNECT, scopes: Array(65).fill(0) }],
    ["caps of a connect", ConnectParams, { ...CONNECT, caps: Array(65).fill(0) }],
    ["attachments of a message", ChatSendParams, { ...CHAT, attachments: Array(101).fill(0) }],
    ["keys of a preview", SessionsPreviewParams, { keys: Array(1_001).fill(0) }],
    ["sessions of a search", SessionsSearchParams, { query: "a", sessionKeys: Array(201).fill(0) }],
  ])("%s", (_what, schema, params) => {
    const issues = schema.safeParse(params).error?.issues ?? [];
    expect(issues.map(({ code }) => code)).toEqual(["too_big"]);
  });
});

test("a first frame with 29,000 scopes is not read: its socket is closed as for invalid JSON", async () => {
  await using rig = await startRig();
  const { client } = rig.open();
  client.sendText(costlyConnect("scopes"));
  expect(client.closing).toMatchObject({ code: 1000 });
});
