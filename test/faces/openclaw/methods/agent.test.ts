import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../../src/core/kernel/errors.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const params = (runId: string, fields: object = {}) => ({ message: "hello", idempotencyKey: runId, ...fields });

describe("the method agent", () => {
  test("responds twice: when its run starts and when it ends", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("agent", params("r1"));
    rig.clock.nowMs += 40;
    rig.call.text("Hi there").finish();
    const answers = client.frames.filter(({ id }) => id === "2:agent").map(({ payload }) => payload);
    expect(answers).toMatchObject([
      { runId: "r1", sessionKey: "agent:main:main", agentId: "main", status: "accepted" },
      {
        runId: "r1",
        status: "ok",
        summary: "completed",
        result: {
          payloads: [{ text: "Hi there", mediaUrl: null }],
          meta: { durationMs: 40, agentMeta: { provider: "openai", model: "gpt", usage: { output: 5 } } },
        },
      },
    ]);
    client.verify();
  });

  test("streams agent events only to its caller", async () => {
    await using rig = await startRig();
    using caller = await rig.client();
    using other = await rig.client();
    await caller.request("agent", params("r1"));
    rig.call.text("a").text("b").finish();
    expect(caller.payloads("agent").map(({ stream, data }) => [stream, data])).toMatchObject([
      ["lifecycle", { phase: "start" }],
      ["assistant", { delta: "a", text: "a" }],
      ["assistant", { delta: "b" }],
      ["lifecycle", { phase: "end" }],
    ]);
    expect(other.payloads("agent")).toEqual([]);
    expect(other.textOf("r1")).toBe("ab");
  });

  test("responds with an error if the run fails", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("agent", params("r1"));
    rig.call.fail(new GatewayError("upstream_overloaded", "busy"));
    expect(client.frames.filter(({ id }) => id === "2:agent").at(-1)).toMatchObject({
      ok: false,
      payload: { runId: "r1", status: "error", summary: "The provider is overloaded (route openai): busy." },
      error: { code: "UNAVAILABLE", message: "The provider is overloaded (route openai): busy." },
    });
  });

  test("reports a stopped run as stopped", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("agent", params("r1"));
    await client.request("chat.abort", { sessionKey: "main" });
    expect(client.frames.filter(({ id }) => id === "2:agent").at(-1)).toMatchObject({
      ok: true,
      payload: { runId: "r1", status: "timeout", summary: "aborted" },
    });
  });

  test("takes a model, a system prompt and a session of its own", async () => {
    await using rig = await startRig({ settings: { systemPrompt: "Be kind." } });
    using client = await rig.client();
    const own = { model: "claude", provider: "anthropic", extraSystemPrompt: "Be brief.", sessionId: "s1" };
    await client.request("agent", params("r1", own));
    expect(rig.call.request.route).toBe("anthropic");
    expect(JSON.stringify(rig.call.body.system)).toContain("Be kind.\\n\\nBe brief.");
    expect(client.chat("r1")).toEqual([]);
    const { sessions } = await client.request("sessions.list");
    expect(sessions).toMatchObject([{ key: "agent:main:explicit:s1", model: "gpt" }]);
  });

  test("refuses an unknown model", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await client.refusal("agent", params("r1", { model: "nope" }))).toMatchObject({
      code: "INVALID_REQUEST",
      message: "unknown model: nope",
    });
  });

  test("starts nothing for a known idempotency key", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("agent", params("r1"));
    expect(await client.request("agent", params("r1"))).toEqual({ runId: "r1", status: "in_flight" });
    expect(rig.calls).toHaveLength(1);
  });
});

describe("agent.wait", () => {
  test("responds when the run ends", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("chat.send", { sessionKey: "main", ...params("r1") });
    const waiting = client.request("agent.wait", { runId: "r1" });
    rig.call.finish();
    expect(await waiting).toMatchObject({ runId: "r1", status: "ok", stopReason: "stop" });
    expect(await client.request("agent.wait", { runId: "r1" })).toMatchObject({ status: "ok" });
  });

  test("gives up after its timeout, for a running and for an unknown run", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("chat.send", { sessionKey: "main", ...params("r1") });
    for (const runId of ["r1", "unknown"]) {
      expect(await client.request("agent.wait", { runId, timeoutMs: 1 })).toMatchObject({ runId, status: "timeout" });
    }
  });

  test("says why a run failed", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("chat.send", { sessionKey: "main", ...params("r1") });
    rig.call.fail(new GatewayError("upstream_reset", "the line went dead"));
    expect(await client.request("agent.wait", { runId: "r1" })).toMatchObject({
      status: "error",
      error: "The provider closed the connection before the answer was complete (route openai): the line went dead.",
    });
  });
});
