import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import * as z from "zod";
import * as chatParams from "../../../../protocol/openclaw/chat-params.ts";
import * as frames from "../../../../protocol/openclaw/frames.ts";
import * as sessionParams from "../../../../protocol/openclaw/session-params.ts";
import { isObject, parseClientJson } from "../../../../src/core/kernel/json.ts";
import { methods } from "../../../../src/faces/openclaw/methods/methods.ts";
import { type Payload, ResponseError } from "../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";
import { heldToPinned, RESULTS } from "../../../support/openclaw/openclaw-schemas.ts";
import { NOT_HERE, outerPath } from "../../../support/recordings/outer-corpus.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const published = JSON.parse(read("../../../../node_modules/@openclaw/gateway-protocol/protocol.schema.json"));

const OWN_TRANSCRIPTS = fileURLToPath(new URL("../../../recordings/openclaw", import.meta.url));

/** The requests in all transcripts of a folder. */
const sentIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(`${folder}/${name}`, "utf8").trim().split("\n"))
    .map((line) => JSON.parse(line))
    .filter(({ dir, frame }) => dir === "client->gateway" && frame?.type === "req")
    .map(({ frame }) => frame as { method: string; params?: Payload });

describe("every method", () => {
  test("has a result that the tests check", () => {
    expect([...methods.keys()].filter((name) => !(name in RESULTS))).toEqual([]);
  });

  (heldToPinned ? test : test.skip)(
    `has a result that the schemas of the pinned release know too${heldToPinned ? "" : ` (${NOT_HERE})`}`,
    () => {
      expect(heldToPinned?.length).toBeGreaterThan(30);
    },
  );

  test("requires the scope that OpenClaw requires", () => {
    const wrong = [...methods.values()].filter(({ name, scope }) => {
      const theirs: string | undefined = published.methods[name]?.scope;
      return theirs !== undefined && theirs !== "dynamic" && theirs !== scope;
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test("is refused without that scope, and names it", async () => {
    await using rig = await startRig();
    using client = await rig.client({ scopes: ["operator.talk"] });
    for (const { name, scope } of methods.values()) {
      expect(await client.refusal(name, {})).toEqual({
        code: "FORBIDDEN",
        message: `missing scope: ${scope}`,
        details: { code: "MISSING_SCOPE", missingScope: scope, requiredScopes: [scope] },
      });
    }
  });

  test("that needs no parameters responds without any", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    for (const name of [
      "health",
      "status",
      "models.list",
      "models.authStatus",
      "agents.list",
      "agent.identity.get",
      "config.get",
      "commands.list",
      "chat.metadata",
      "system-presence",
      "gateway.identity.get",
      "usage.status",
      "update.status",
      "sessions.list",
      "sessions.subscribe",
      "exec.approval.list",
      "plugin.approval.list",
      "openclaw.approval.list",
      "question.list",
      "last-heartbeat",
      "sessions.observer.visibility",
      "progressCard.get",
      "tasks.list",
      "cron.list",
      "cron.status",
      "talk.catalog",
    ]) {
      await client.request(name);
    }
  });
});

describe("the scope to read", () => {
  test("is enough for methods that only read; write includes it, and admin includes all", async () => {
    await using rig = await startRig();
    using reader = await rig.client({ scopes: ["operator.read"] });
    using writer = await rig.client({ scopes: ["operator.write"] });
    const message = { sessionKey: "main", message: "hi", idempotencyKey: "r1" };
    await reader.request("health");
    expect(await reader.refusal("chat.send", message)).toMatchObject({ code: "FORBIDDEN" });
    await writer.request("health");
    await writer.request("chat.send", message);
    expect(await writer.refusal("sessions.reset", { key: "main" })).toMatchObject({ code: "FORBIDDEN" });
  });
});

describe("the description of the gateway", () => {
  test("has a model in the list of agents, which keeps the composer enabled", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await client.request("agents.list", {})).toMatchObject({
      defaultId: "main",
      mainKey: "main",
      agents: [{ id: "main", name: "Tester", model: { primary: "openai/gpt" } }],
    });
    expect(await client.request("agent.identity.get", { agentId: "main" })).toMatchObject({
      agentId: "main",
      name: "Tester",
    });
  });

  test("lists the models that can chat", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const { models } = await client.request("models.list", { view: "configured", sessionKey: "main", agentId: "main" });
    expect(models).toMatchObject([
      {
        id: "gpt",
        provider: "openai",
        available: true,
        contextWindow: 128_000,
        tags: ["default", "configured"],
        input: ["text", "image", "document"],
        thinkingDefault: "off",
      },
      { id: "claude", provider: "anthropic", tags: ["configured"] },
    ]);
    expect(await client.request("chat.metadata", { sessionKey: "main" })).toMatchObject({
      models,
      commands: (await client.request("commands.list", {})).commands,
    });
    expect(await client.request("models.list", { provider: "anthropic" })).toMatchObject({
      models: [{ id: "claude" }],
    });
  });

  test("has a configuration without secrets and paths", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const shown = JSON.stringify(await client.request("config.get", {}));
    expect(shown).toContain("openai/gpt");
    expect(shown).not.toContain("sk-secret");
  });

  test("has the connected clients as a bare array", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const gone = await rig.client({ clientId: "cli" });
    expect(await client.request("system-presence")).toMatchObject([{ text: "gateway-client" }, { text: "cli" }]);
    gone.hangUp();
    expect(await client.request("system-presence")).toHaveLength(1);
  });

  test("responds to null parameters", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    await client.request("last-heartbeat");
    expect(client.frames.at(-1)).toMatchObject({ ok: true, payload: null });
  });
});

describe("a bad request", () => {
  const answered = async (text: string): Promise<{ frame: Payload | undefined; violations: readonly string[] }> => {
    await using rig = await startRig();
    const connection = await rig.connection();
    const before = connection.client.frames.length;
    connection.client.sendText(text, "1", "health");
    connection.client.verify();
    return { frame: connection.client.frames.slice(before)[0], violations: connection.violations };
  };

  test("for an unknown method is refused in the words that pages show", async () => {
    const { frame, violations } = await answered('{"type":"req","id":"7","method":"no.such.method","params":{}}');
    expect(frame).toMatchObject({
      id: "7",
      ok: false,
      error: { code: "INVALID_REQUEST", message: "unknown method: no.such.method" },
    });
    expect(violations).toEqual([]);
  });

  test("without an id is refused as invalid and counted", async () => {
    const { frame, violations } = await answered('{"type":"req","method":"health"}');
    expect(frame).toMatchObject({ id: "invalid", ok: false });
    expect(violations).toEqual(["invalid request frame: must have required property 'id'"]);
  });

  test("that is not JSON, or nested too deeply, is counted and gets no response", async () => {
    for (const text of ["{", `{"type":"req","id":"1","method":"health","params":${"[".repeat(70)}${"]".repeat(70)}}`]) {
      expect(await answered(text)).toEqual({ frame: undefined, violations: [expect.any(String)] });
    }
  });

  test("with unknown fields beside its own is served", async () => {
    const frame = {
      type: "req",
      id: "1",
      method: "health",
      traceparent: "00-0-0-00",
      expectedProfileId: "p",
      later: true,
    };
    expect((await answered(JSON.stringify(frame))).frame).toMatchObject({ ok: true });
  });

  test("whose handler throws is refused and reported", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    // The face reads the clock for this answer.
    const { wall } = rig.clock;
    Object.assign(rig.clock, {
      wall: () => {
        throw new TypeError("broken");
      },
    });
    const error = await client.refusal("health");
    Object.assign(rig.clock, { wall });
    expect(error).toMatchObject({
      code: "UNAVAILABLE",
      message: "a fault in the gateway",
      details: { code: "internal" },
    });
    expect(rig.faults).toHaveLength(1);
  });
});

test("with any parameters gets one response and causes no fault", async () => {
  await using rig = await startRig();
  using client = await rig.client();
  // Numbers that would lose digits make a frame that is not read at all.
  const isRead = (value: unknown) => parseClientJson(JSON.stringify(value)) !== undefined;
  const any = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        sessionKey: fc.constantFrom("main", "other", "agent:main:x", "", "agent:y:z"),
        key: fc.constantFrom("main", "other", "agent:main:x"),
        keys: fc.array(fc.constantFrom("main", "other"), { maxLength: 2 }),
        message: fc.constantFrom("hello", "/stop", ""),
        idempotencyKey: fc.constantFrom("a", "b", "c"),
        runId: fc.constantFrom("a", "b", "unknown"),
        timeoutMs: fc.constantFrom(0, 1),
        model: fc.constantFrom("claude", "openai/gpt", "nope"),
        limit: fc.nat(3),
        attachments: fc.array(fc.record({ mimeType: fc.string(), content: fc.jsonValue() }), { maxLength: 1 }),
      },
      { requiredKeys: [] },
    ),
  );
  const params = any.filter(isRead);
  const known = [...methods.values()];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...known), params, async ({ name }, given) => {
      let fitting = name === "agent.wait" && isObject(given) ? { ...given, timeoutMs: 1 } : given;
      for (;;) {
        const outcome = await client.request(name, fitting).catch((error: unknown) => error);
        if (outcome instanceof Error && !(outcome instanceof ResponseError)) throw outcome;
        // Without the field it does not know, a method gets further.
        const unknown = /unexpected property '(.*)'/.exec(outcome instanceof Error ? outcome.message : "")?.[1];
        if (unknown === undefined || !isObject(fitting) || !(unknown in fitting)) break;
        fitting = Object.fromEntries(Object.entries(fitting).filter(([field]) => field !== unknown));
      }
      if (rig.calls.length % 3 === 0 && rig.calls.length > 0) rig.call.text("x").finish();
    }),
    { numRuns: 1500 },
  );
  expect(rig.faults).toEqual([]);
});

describe("what real clients send", () => {
  const transcripts = [
    { from: "our own conversation", folder: OWN_TRANSCRIPTS, atLeast: 24 },
    { from: "recorded transcripts", folder: outerPath("corpus/openclaw-transcripts"), atLeast: 401 },
  ].map(({ from, folder, atLeast }) => ({ from: folder ? from : NOT_HERE, seen: folder && sentIn(folder), atLeast }));

  describe.each(transcripts)("in $from", ({ seen, atLeast }) => {
    if (!seen) test.skip("is understood", () => {});
    else {
      test(`is understood, each of ${seen.length} requests`, async () => {
        await using rig = await startRig();
        using client = await rig.client();
        let served = 0;
        for (const { method, params } of seen) {
          // One recording sends a property that does not exist, another lacks the message, on purpose.
          const isWrong = params?.bogus !== undefined || (method === "chat.send" && !params?.message);
          if (!methods.has(method) || isWrong) continue;
          const outcome = await client.request(method, params).catch((error: Error) => error.message);
          if (typeof outcome === "string") expect(outcome).not.toMatch(/^invalid .* params/);
          served++;
        }
        expect(served).toBeGreaterThanOrEqual(atLeast);
      });
    }
  });

  test("is accepted in every field that OpenClaw's own schemas have", () => {
    expect(Object.keys(PARAMS).length).toBeGreaterThan(15);
    const missing = Object.entries(PARAMS).flatMap(([name, { shape }]) => {
      const { properties } = published.definitions[name];
      return Object.keys(properties).filter((property) => !(property in shape));
    });
    expect(missing).toEqual([]);
  });
});

/** The closed objects, by OpenClaw's names for them. */
const PARAMS = Object.fromEntries(
  Object.entries({ ...frames, ...chatParams, ...sessionParams }).flatMap(([name, schema]) =>
    name.endsWith("Params") && published.definitions[name]?.properties && schema instanceof z.ZodObject
      ? [[name, schema]]
      : [],
  ),
);
