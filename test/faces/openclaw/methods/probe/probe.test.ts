import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../../../src/core/kernel/errors.ts";
import { turnsUntil } from "../../../../support/jest/turns-until.ts";
import type { OpenClawClient } from "../../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../../support/openclaw/openclaw-rig.ts";

async function probe(rig: Rig, client: OpenClawClient, answer: () => void) {
  const result = client.request("models.probe", { provider: "openai", agentId: "main" });
  await turnsUntil(() => rig.calls.length > 0);
  answer();
  return result;
}

describe("a provider's test", () => {
  test("sends it one short request and says how long the answer took", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const result = await probe(rig, client, () => {
      rig.clock.nowMs += 120;
      rig.call.text("ok").finish();
    });
    expect(result).toEqual({
      provider: "openai",
      status: "ok",
      latencyMs: 120,
      results: [{ label: "openai · gpt", status: "ok", latencyMs: 120 }],
    });
    expect(rig.call.body.messages).toEqual([{ role: "user", content: "Say ok." }]);
    expect(rig.calls).toHaveLength(1);
  });

  test("asks for at most 16 tokens where the dialect names a limit", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    const result = client.request("models.probe", { provider: "anthropic" });
    await turnsUntil(() => rig.calls.length > 0);
    expect(rig.call.body).toMatchObject({ model: "claude-upstream", max_tokens: 16 });
    rig.call.fail(new GatewayError("upstream_timeout"));
    await result;
  });

  test.each([
    [new GatewayError("upstream_http_error", "bad key", { details: { status: 401 } }), "auth"],
    [new GatewayError("upstream_http_error", "pay", { details: { status: 402 } }), "billing"],
    [new GatewayError("upstream_http_error", "no such model", { details: { status: 404 } }), "format"],
    [new GatewayError("upstream_rate_limited"), "rate_limit"],
    [new GatewayError("upstream_timeout"), "timeout"],
    [new GatewayError("upstream_unreachable"), "unknown"],
  ])("that fails with %s is reported as %s", async (error, status) => {
    await using rig = await startRig();
    using client = await rig.client();
    const result = await probe(rig, client, () => rig.call.fail(error));
    expect(result).toMatchObject({ status, error: error.message, results: [{ status, error: error.message }] });
  });

  test("of a provider without a model costs nothing", async () => {
    await using rig = await startRig();
    using client = await rig.client();
    expect(await client.request("models.probe", { provider: "nobody" })).toMatchObject({
      status: "no_model",
      results: [],
    });
    expect(rig.calls).toHaveLength(0);
  });

  test("needs the scope admin", async () => {
    await using rig = await startRig();
    using client = await rig.client({ scopes: ["operator.write"] });
    expect(await client.refusal("models.probe", { provider: "openai" })).toMatchObject({
      details: { code: "MISSING_SCOPE", missingScope: "operator.admin" },
    });
  });
});
