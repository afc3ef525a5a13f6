import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../../src/core/kernel/errors.ts";
import { type OpenClawClient, type Payload, ResponseError } from "../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const send = (client: OpenClawClient, runId: string, fields: object = {}): Promise<Payload> =>
  client.request("chat.send", { sessionKey: "main", message: `say ${runId}`, idempotencyKey: runId, ...fields });

const history = (client: OpenClawClient, fields: object = {}): Promise<Payload> =>
  client.request("chat.history", { sessionKey: "main", ...fields });

describe("stop", () => {
  test("closes the upstream at once, and its event arrives before its response", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    rig.call.text("I was saying ");
    const answer = await client.request("chat.abort", { sessionKey: "main", runId: "r1" });
    expect(rig.call.aborted).toBe(true);
    expect(answer).toEqual({ ok: true, aborted: true, runIds: ["r1"] });
    expect(client.frames.at(-2)).toMatchObject({
      event: "chat",
      payload: { state: "aborted", stopReason: "rpc", message: { content: [{ text: "I was saying " }] } },
    });
  });

  test("keeps the partial answer", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    rig.call.text("I was saying ");
    await client.request("chat.abort", { sessionKey: "main" });
    expect((await history(client)).messages).toMatchObject([
      { role: "user" },
      {
        role: "assistant",
        content: [{ text: "I was saying " }],
        idempotencyKey: "r1:assistant",
        openclawAbort: { aborted: true, origin: "rpc", runId: "r1" },
      },
    ]);
  });

  test("releases the memory of its log, as any end does", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    rig.call.text("I was saying ");
    expect(rig.budget.usedBytes).toBeGreaterThan(0);
    await client.request("chat.abort", { sessionKey: "main", runId: "r1" });
    expect(rig.budget.usedBytes).toBe(0);
    await send(client, "r2");
    rig.call.text("It is said.").finish();
    expect((await client.ended("r2")).state).toBe("final");
    expect(rig.budget.usedBytes).toBe(0);
  });

  test("without a run is no error", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const nothing = { ok: true, aborted: false, runIds: [] };
    expect(await client.request("chat.abort", { sessionKey: "main", preserveSideRuns: true })).toEqual(nothing);
    await send(client, "r1");
    expect(await client.request("chat.abort", { sessionKey: "main", runId: "nope" })).toEqual(nothing);
    expect(rig.call.aborted).toBe(false);
    rig.call.finish();
    expect(await client.request("chat.abort", { sessionKey: "main", runId: "r1" })).toEqual(nothing);
  });

  test("without a run id stops the queued messages first", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    for (const runId of ["r1", "r2", "r3"]) await send(client, runId);
    const answer = await client.request("chat.abort", { sessionKey: "agent:main:main" });
    expect(answer).toEqual({ ok: true, aborted: true, runIds: ["r2", "r3", "r1"] });
    for (const runId of ["r1", "r2", "r3"]) expect((await client.ended(runId)).state).toBe("aborted");
    expect(rig.calls).toHaveLength(1);
  });

  test("of a queued message leaves the others", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    for (const runId of ["r1", "r2", "r3"]) await send(client, runId);
    await client.request("chat.abort", { sessionKey: "main", runId: "r2" });
    rig.call.finish();
    await client.until(() => rig.calls.length === 2);
    rig.call.finish();
    expect((await client.ended("r3")).state).toBe("final");
    expect((await client.ended("r2")).state).toBe("aborted");
  });

  test("can be typed", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    const answer = await send(client, "r2", { message: "/stop" });
    expect(answer).toMatchObject({ ok: true, aborted: true, runIds: ["r1"] });
    expect((await client.ended("r1")).state).toBe("aborted");
  });

  test("by sessions.abort leaves the queued messages", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    await send(client, "r2");
    expect(await client.request("sessions.abort", { key: "main" })).toEqual({
      ok: true,
      abortedRunId: "r1",
      status: "aborted",
    });
    await client.until(() => rig.calls.length === 2);
    expect(await client.request("sessions.abort", { runId: "r2" })).toMatchObject({ abortedRunId: "r2" });
    expect(await client.request("sessions.abort", { key: "main" })).toMatchObject({
      abortedRunId: null,
      status: "no-active-run",
    });
  });
});

describe("a message during a run", () => {
  test("waits for its turn and runs under its own id", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    expect(await send(client, "r2")).toEqual({ runId: "r2", status: "started" });
    rig.call.text("one").finish();
    expect(rig.calls).toHaveLength(1);
    await client.until(() => rig.calls.length === 2);
    rig.call.text("two").finish();
    expect(client.textOf("r1")).toBe("one");
    expect(client.textOf("r2")).toBe("two");
    const { messages } = (await history(client)) as { messages: { idempotencyKey: string }[] };
    expect(messages.map(({ idempotencyKey }) => idempotencyKey)).toEqual([
      "r1:user",
      "r1:assistant",
      "r2:user",
      "r2:assistant",
    ]);
  });

  test("is shown as pending until then", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    await send(client, "r2");
    const shown = await history(client, { inputRunIds: ["r1", "r2", "lost"] });
    expect(shown.pendingInputs).toMatchObject({
      total: 1,
      items: [{ runId: "r2", state: "queued", message: { role: "user", content: "say r2" } }],
    });
    expect(shown.inputReceipts).toEqual([
      { runId: "r1", state: "consumed", consumedByEventId: expect.any(String) },
      { runId: "r2", state: "pending" },
    ]);
    expect(shown.sessionInfo).toMatchObject({ status: "running", activeRunIds: ["r1", "r2"] });
  });

  test("does not delay another session", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    await send(client, "r2", { sessionKey: "agent:main:other" });
    expect(rig.calls).toHaveLength(2);
  });

  test("is refused if twenty are queued already", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    for (let index = 0; index <= 20; index++) await send(client, `r${index}`);
    expect(
      await client.refusal("chat.send", { sessionKey: "main", message: "x", idempotencyKey: "late" }),
    ).toMatchObject({
      code: "UNAVAILABLE",
      retryable: true,
    });
  });
});

describe("a repeated key", () => {
  test("starts nothing while its run is active", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    expect(await send(client, "r1")).toEqual({ runId: "r1", status: "in_flight" });
    expect(rig.calls).toHaveLength(1);
  });

  test("starts one run if it is sent twice at once", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const answers = await Promise.all([send(client, "r1"), send(client, "r1"), send(client, "r1")]);
    expect(answers.map(({ status }) => status)).toEqual(["started", "in_flight", "in_flight"]);
    expect(rig.calls).toHaveLength(1);
  });

  const ends: [string, (rig: Awaited<ReturnType<typeof startRig>>, client: OpenClawClient) => unknown, object][] = [
    ["finished", (rig) => rig.call.text("yes").finish(), { runId: "r1", status: "ok" }],
    [
      "stopped",
      (_rig, client) => client.request("chat.abort", { sessionKey: "main" }),
      { runId: "r1", status: "timeout", summary: "aborted", stopReason: "rpc", endedAt: expect.any(Number) },
    ],
  ];
  for (const [how, end, expected] of ends) {
    for (const restarted of [false, true]) {
      test(`of a ${how} run says so${restarted ? " after a restart" : ""}`, async () => {
        await using first = await startRig();
        using client = await first.client();
        await send(client, "r1");
        await end(first, client);
        await using rig = restarted ? await first.restart() : first;
        using later = await rig.client();
        expect(await send(later, "r1")).toEqual(expected);
        expect(rig.calls).toHaveLength(restarted ? 0 : 1);
      });
    }
  }

  for (const restarted of [false, true]) {
    test(`of a failed run is refused with its failure${restarted ? " after a restart" : ""}`, async () => {
      await using first = await startRig();
      using client = await first.client();
      await send(client, "r1");
      first.call.fail(new GatewayError("upstream_reset", "the line went dead"));
      const message =
        "The provider closed the connection before the answer was complete (route openai): the line went dead.";
      await using rig = restarted ? await first.restart() : first;
      using later = await rig.client();
      const outcome = await send(later, "r1").catch((error: unknown) => error);
      expect(outcome).toBeInstanceOf(ResponseError);
      expect(outcome).toMatchObject({
        error: { code: "UNAVAILABLE", message, details: { code: "upstream_reset" } },
        payload: { runId: "r1", status: "error", summary: message },
      });
      expect(rig.calls).toHaveLength(restarted ? 0 : 1);
    });
  }

  test("is refused for another message or another session", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await send(client, "r1");
    for (const fields of [{ message: "something else" }, { sessionKey: "other" }]) {
      const error = await client.refusal("chat.send", {
        sessionKey: "main",
        message: "say r1",
        idempotencyKey: "r1",
        ...fields,
      });
      expect(error).toMatchObject({
        code: "INVALID_REQUEST",
        message: "the idempotency key was used for another request",
      });
    }
    expect(rig.calls).toHaveLength(1);
  });
});

describe("a gateway that stops", () => {
  const STOPPING = { type: "text", text: "⚠️ The gateway is stopping. Try again in 1 s." };

  test("keeps the partial answer and the queued messages, and reports both", async () => {
    await using first = await startRig();
    using client = await first.client();
    await send(client, "r1");
    await send(client, "r2");
    first.call.text("Half");
    await using rig = await first.restart();
    expect(first.call.aborted).toBe(true);
    expect((await client.ended("r1")).state).toBe("error");
    expect((await client.ended("r2")).state).toBe("error");

    using later = await rig.client();
    expect((await history(later)).messages).toMatchObject([
      { role: "user", content: "say r1" },
      {
        role: "assistant",
        content: [{ text: "Half" }, STOPPING],
        errorMessage: "The gateway is stopping. Try again in 1 s.",
      },
      { role: "user", content: "say r2" },
      { role: "assistant", content: [STOPPING], errorMessage: "The gateway is stopping. Try again in 1 s." },
    ]);
  });

  test("that was killed never bills a message twice", async () => {
    await using rig = await startRig();
    await rig.transcripts.saveSession({
      key: "agent:main:main",
      sessionId: "s",
      agentId: "main",
      createdAt: 1,
      updatedAt: 1,
      settings: {},
    });
    const content = [{ type: "text", text: "say r1" }] as const;
    await rig.transcripts.append("agent:main:main", [
      { id: "m", seq: 1, role: "user", content, timestamp: 1, runId: "r1" },
    ]);
    await using after = await rig.restart();
    using client = await after.client();
    const error = await client.refusal("chat.send", { sessionKey: "main", message: "say r1", idempotencyKey: "r1" });
    expect(error).toMatchObject({ message: "the gateway stopped during this run" });
    expect(after.calls).toHaveLength(0);
  });
});
