import { describe, expect, test } from "@jest/globals";
import type { Route } from "../../../../src/core/dialect/routing.ts";
import { GatewayError } from "../../../../src/core/kernel/errors.ts";
import type { OpenClawClient } from "../../../support/openclaw/openclaw-client.ts";
import { type Rig, startRig } from "../../../support/openclaw/openclaw-rig.ts";
import { model, route } from "../../../support/relay/routes.ts";

const HEADER = "x-openclaw-session-key";

/** A route to an agent that keeps its conversations, and a route to a model. */
const startAgents = (fields: Partial<Route> = {}) => {
  const agents = { ...route("agents", "openai-chat"), sessionHeader: HEADER, keepsHistory: true, ...fields };
  return startRig({ models: [model("agent", agents), model("gpt", route("openai", "openai-chat"))] });
};

const ask = async (rig: Rig, client: OpenClawClient, message: string, sessionKey = "main") => {
  await client.request("chat.send", { sessionKey, message, idempotencyKey: message });
  return rig.call;
};

const turn = async (rig: Rig, client: OpenClawClient, message: string, sessionKey = "main") => {
  const call = await ask(rig, client, message, sessionKey);
  call.text(`answer to ${message}`).finish();
  await client.ended(message);
  return call;
};

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });

describe("a chat on a route with a session header", () => {
  test("names its session in each request, and another after it starts over", async () => {
    await using rig = await startAgents();
    using client = await rig.client();
    const first = (await turn(rig, client, "one")).request.headers[HEADER];
    expect(first).toMatch(/^sluice:main:\S+$/);
    expect((await turn(rig, client, "two")).request.headers[HEADER]).toBe(first);
    await client.request("sessions.reset", { key: "main" });
    const fresh = (await turn(rig, client, "three")).request.headers[HEADER];
    expect(fresh).toMatch(/^sluice:main:\S+$/);
    expect(fresh).not.toBe(first);
  });

  test("names a session whose key no header can carry", async () => {
    await using rig = await startAgents();
    using client = await rig.client();
    const { headers } = (await turn(rig, client, "one", "über uns\ud800")).request;
    expect(headers[HEADER]).toMatch(/^sluice:%C3%BCber%20uns%EF%BF%BD:\S+$/);
  });

  test("sends no such header on another route", async () => {
    await using rig = await startAgents();
    using client = await rig.client();
    await client.request("sessions.patch", { key: "main", model: "openai/gpt" });
    expect((await turn(rig, client, "one")).request.headers).not.toHaveProperty(HEADER);
  });
});

describe("an upstream that keeps the conversation", () => {
  test("gets only the newest message, so that nothing is in its context twice", async () => {
    await using rig = await startAgents();
    using client = await rig.client();
    await turn(rig, client, "one");
    await turn(rig, client, "two");
    expect((await ask(rig, client, "three")).body.messages).toEqual([user("three")]);
  });

  test("gets everything if its route only carries a header", async () => {
    await using rig = await startAgents({ keepsHistory: false });
    using client = await rig.client();
    await turn(rig, client, "one");
    expect((await ask(rig, client, "two")).body.messages).toEqual([
      user("one"),
      assistant("answer to one"),
      user("two"),
    ]);
  });

  test("gets a question again that failed, and not one that was stopped", async () => {
    await using rig = await startAgents();
    using client = await rig.client();
    (await ask(rig, client, "one")).fail(new GatewayError("upstream_unreachable"));
    await client.ended("one");
    const second = await ask(rig, client, "two");
    expect(second.body.messages).toEqual([{ role: "user", content: expect.anything() }]);
    expect(JSON.stringify(second.body.messages)).toMatch(/one.*two/);
    second.text("half an answ");
    await client.request("chat.abort", { sessionKey: "main" });
    expect((await ask(rig, client, "three")).body.messages).toEqual([user("three")]);
  });

  test("gets what another model said before it was chosen", async () => {
    await using rig = await startAgents();
    using client = await rig.client();
    await client.request("sessions.patch", { key: "main", model: "openai/gpt" });
    await turn(rig, client, "one");
    await client.request("sessions.patch", { key: "main", model: "agents/agent" });
    expect((await turn(rig, client, "two")).body.messages).toHaveLength(3);
    expect((await ask(rig, client, "three")).body.messages).toEqual([user("three")]);
  });

  test("gets the copied history with the first message of a fork", async () => {
    await using rig = await startAgents();
    using client = await rig.client();
    await turn(rig, client, "one");
    const { key } = await client.request("sessions.create", { parentSessionKey: "main", fork: true });
    expect((await ask(rig, client, "two", String(key))).body.messages).toHaveLength(3);
  });

  test("gets the whole branch under another name after a turn back, and then only what is new", async () => {
    await using rig = await startAgents();
    using client = await rig.client();
    const { headers } = (await turn(rig, client, "one")).request;
    await turn(rig, client, "two");
    const { messages } = await client.request("chat.history", { sessionKey: "main" });
    const entryId = (messages as { __openclaw: { id: string } }[])[2]?.__openclaw.id;
    await client.request("sessions.rewind", { sessionKey: "main", entryId });
    const again = await turn(rig, client, "three");
    expect(again.request.headers[HEADER]).not.toBe(headers[HEADER]);
    expect(again.body.messages).toEqual([user("one"), assistant("answer to one"), user("three")]);
    expect((await ask(rig, client, "four")).body.messages).toEqual([user("four")]);
  });
});
