import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../../src/core/kernel/errors.ts";
import type { OpenClawClient } from "../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const ask = (client: OpenClawClient, runId: string) =>
  client.request("chat.send", { sessionKey: "main", message: `say ${runId}`, idempotencyKey: runId });
const history = async (client: OpenClawClient) =>
  (await client.request("chat.history", { sessionKey: "main" })).messages as readonly {
    readonly role: string;
    readonly content: unknown;
    readonly stopReason?: string;
  }[];
const answers = async (client: OpenClawClient) =>
  (await history(client)).filter(({ role }) => role === "assistant").map(({ content }) => content);
const text = (said: string) => ({ type: "text", text: said });
/** As the real gateway stores it; the Control UI leaves out what its red card says already. */
const reason = (said: string) => ({ type: "text", text: expect.stringMatching(new RegExp(`^⚠️ .*${said}`)) });

describe("failed turns", () => {
  test("keep their reasons in the history, each after what there was of its answer, also after a restart", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await ask(client, "r1");
    rig.call.fail(new GatewayError("upstream_http_error", "the key is refused", { details: { status: 401 } }));
    await ask(client, "r2");
    rig.call.text("half an ").fail(new GatewayError("upstream_reset", "the line went dead"));
    await ask(client, "r3");
    rig.call.text("a whole one").finish();
    await client.ended("r3");
    const stored = [
      [reason("the key is refused")],
      [text("half an "), reason("the line went dead")],
      [text("a whole one")],
    ];
    expect(await answers(client)).toEqual(stored);
    expect((await history(client)).map(({ stopReason }) => stopReason).filter(Boolean)).toEqual([
      "error",
      "error",
      "stop",
    ]);
    await using again = await rig.restart();
    using later = await again.client();
    expect(await answers(later)).toEqual(stored);
  });

  test("never send their reasons upstream", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await ask(client, "r1");
    rig.call.text("half an ").fail(new GatewayError("upstream_reset", "the line went dead"));
    await ask(client, "r2");
    expect(rig.call.body).toMatchObject({
      messages: [
        { role: "user", content: "say r1" },
        { role: "assistant", content: "half an " },
        { role: "user", content: "say r2" },
      ],
    });
    expect(JSON.stringify(rig.call.body)).not.toContain("the line went dead");
  });

  test("leave the token count at its last good value", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await ask(client, "r1");
    rig.call.text("yes").finish();
    await client.ended("r1");
    const tokens = { totalTokens: 15, totalTokensFresh: true };
    for (const runId of ["r2", "r3"]) {
      await ask(client, runId);
      rig.call.fail(new GatewayError("upstream_reset", "the line went dead"));
      await client.ended(runId);
      expect(await client.request("chat.history", { sessionKey: "main" })).toMatchObject({ sessionInfo: tokens });
    }
  });

  test("that a client stopped have no reason in their text", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await ask(client, "r1");
    rig.call.text("one two");
    await client.request("chat.abort", { sessionKey: "main" });
    expect(await answers(client)).toEqual([[text("one two")]]);
  });
});
