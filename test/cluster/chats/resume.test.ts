import { expect, test } from "@jest/globals";
import { startKeyedGateway } from "../../support/gateways/keyed-gateway.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { letJudge, nodeConfig, prefixOf } from "../../support/nodes/two-nodes.ts";
import { chunk } from "../../support/relay/opened-stream.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";
import { ask, askFor, chatOn, isSaid, startChatNodes } from "./chat-nodes.ts";

const newDirectory = temporaryDirectories();
const HELLO = { text: "Hello" };

describeWithRedis("a chat whose answer runs on another node", (redis) => {
  test("goes on there from its beginning, in any number of tabs, while the first tab reads on", async () => {
    await using nodes = await startChatNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    const first = nodes.chat(a);
    const { sending, exchange } = await ask(first, upstream, "One, ");
    await turnsUntil(isSaid("One, ", first));
    const tabs = [nodes.chat(b), nodes.chat(b), nodes.chat(a)];
    const resuming = tabs.map((tab) => tab.resumeStream());
    await turnsUntil(isSaid("One, ", ...tabs));
    exchange.event(chunk("grüße, "));
    await turnsUntil(isSaid("One, grüße, ", first, ...tabs));
    exchange.event(chunk("three")).finishChat();
    await Promise.all([sending, ...resuming]);
    expect(first).toMatchObject({ said: "One, grüße, three", status: "ready" });
    for (const tab of tabs) expect(tab).toMatchObject({ messages: [first.messages[1]], status: "ready" });
    expect(upstream.requests).toBe(1);
  });

  test("is read there before it is known which provider answers, after its first tab has gone", async () => {
    const targets = [
      { route: "chat", model: "m0" },
      { route: "anthropic", model: "m1" },
    ];
    await using nodes = await startChatNodes(redis(), newDirectory(), { models: { smart: { targets } } });
    const { a, b, upstream } = nodes;
    const first = nodes.chat(a, { body: { model: "smart" } });
    const sending = first.sendMessage(HELLO);
    const refusing = await upstream.request();
    first.socket.close();
    await sending;
    const tab = nodes.chat(b);
    const resuming = tab.resumeStream();
    const shows = async (line: string) => (await (await fetch(`${a.url}/metrics`)).text()).includes(line);
    await turnsUntil(async () => (await shows('sluice_connections{face="ai-sdk"} 0')) && shows('{state="active"} 1'));
    refusing.json(503, { error: { message: "busy" } });
    const exchange = (await upstream.request()).sse();
    for (const event of [
      { type: "message_start", message: { id: "m", usage: { input_tokens: 1, output_tokens: 0 } } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi" } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 1 } },
      { type: "message_stop" },
    ]) {
      exchange.event(event, event.type);
    }
    exchange.end();
    await resuming;
    expect(tab).toMatchObject({ said: "Hi", status: "ready" });
  });

  test("is stopped from there: the upstream is closed, and no tab shows an error", async () => {
    await using nodes = await startChatNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    const first = nodes.chat(a);
    const { sending, exchange } = await ask(first, upstream);
    await turnsUntil(isSaid("Hi", first));
    const tab = nodes.chat(b);
    const resuming = tab.resumeStream();
    await turnsUntil(isSaid("Hi", tab));
    await tab.stop();
    await exchange.closed;
    await Promise.all([sending, resuming]);
    for (const chat of [first, tab]) expect(chat).toMatchObject({ said: "Hi", status: "ready", error: undefined });
    // The stopped answer is over: the chat takes the next question at once, on any node.
    await askFor(tab, upstream, "Yes");
    expect(tab.said).toBe("Yes");
  });

  test("is stopped on its own node: no tab elsewhere shows an error", async () => {
    await using nodes = await startChatNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    const first = nodes.chat(a);
    const { sending } = await ask(first, upstream);
    await turnsUntil(isSaid("Hi", first));
    const tab = nodes.chat(b);
    const resuming = tab.resumeStream();
    await turnsUntil(isSaid("Hi", tab));
    await first.stop();
    await Promise.all([sending, resuming]);
    expect(tab).toMatchObject({ said: "Hi", status: "ready", error: undefined });
  });

  test("has a reader while a tab there reads it, and its grace time begins when that one leaves", async () => {
    await using nodes = await startChatNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    const first = nodes.chat(a);
    const { sending, exchange } = await ask(first, upstream);
    const tab = nodes.chat(b);
    const resuming = tab.resumeStream();
    await turnsUntil(isSaid("Hi", tab));
    first.socket.close();
    await sending;
    const shows = (line: string) => async () => (await (await fetch(`${a.url}/metrics`)).text()).includes(line);
    await turnsUntil(shows('sluice_connections{face="ai-sdk"} 0'));
    await turnsUntil(shows('{state="active"} 1'));
    tab.socket.close();
    await resuming;
    await turnsUntil(shows('{state="parked"} 1'));
    exchange.finishChat();
  });
});

describeWithRedis("a chat whose answer has ended on another node", (redis) => {
  test("shows it as the page did that asked", async () => {
    await using nodes = await startChatNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    const first = nodes.chat(a);
    await askFor(first, upstream, "Hi", " there");
    const page = nodes.chat(b);
    await page.resumeStream();
    expect(page.messages).toEqual([first.messages[1]]);
  });

  test("shows a long one whole, however many reads that takes", async () => {
    await using nodes = await startChatNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    const first = nodes.chat(a);
    const sending = first.sendMessage(HELLO);
    const exchange = (await upstream.request()).sse();
    for (let word = 0; word < 60; word++) {
      exchange.event(chunk(`${word} `));
      // Each in an append of its own.
      await turnsUntil(() => first.said.endsWith(`${word} `));
    }
    exchange.finishChat();
    await sending;
    const page = nodes.chat(b);
    await page.resumeStream();
    expect(page.messages).toEqual([first.messages[1]]);
  });

  test("shows the call and its result before it, after a tool, and the tool does not run again", async () => {
    await using nodes = await startChatNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    const body = { model: "gpt", tools: [{ name: "weather", parameters: { type: "object" } }] };
    const first = nodes.chat(a, { body, tool: () => ({ sky: "grey" }) });
    const sending = first.sendMessage({ text: "Weather?" });
    const call = { index: 0, id: "c1", function: { name: "weather", arguments: '{"city":"Ulm"}' } };
    (await upstream.request())
      .sse()
      .event({ choices: [{ index: 0, delta: { tool_calls: [call] } }] })
      .event({ choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] })
      .event("[DONE]")
      .end();
    (await upstream.request()).sse().event(chunk("Wet")).finishChat();
    await sending;
    await turnsUntil(() => first.said === "Wet" && first.status === "ready");
    const runs: string[] = [];
    const page = nodes.chat(b, { body, tool: (name) => runs.push(name) });
    page.messages = structuredClone(first.messages);
    await page.resumeStream();
    expect(page.messages).toEqual(first.messages);
    expect(runs).toEqual([]);
  });

  test("shows the newest one of all nodes", async () => {
    await using nodes = await startChatNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    for (const [node, text] of [
      [a, "old"],
      [b, "new"],
    ] as const) {
      const chat = nodes.chat(node);
      await askFor(chat, upstream, text);
    }
    for (const node of [a, b]) {
      const page = nodes.chat(node);
      await page.resumeStream();
      expect(page.said).toBe("new");
    }
  });

  test("shows nothing of one that failed, nor of the one before it, and goes on with a new question", async () => {
    const directory = newDirectory();
    await using nodes = await startChatNodes(redis(), directory);
    const { a, b, upstream } = nodes;
    const old = nodes.chat(b);
    await askFor(old, upstream, "old");
    const first = nodes.chat(a);
    const { sending, exchange } = await ask(first, upstream);
    exchange.reset();
    await sending;
    const streams = (await redis().ask("KEYS", `${prefixOf(directory)}:stream:*`)).split("\n");
    const ends = () => Promise.all(streams.map((stream) => redis().ask("HGET", stream, "end")));
    await turnsUntil(async () => !(await ends()).includes(""));
    for (const node of [a, b]) {
      const page = nodes.chat(node);
      await page.resumeStream();
      expect(page).toMatchObject({ messages: [], status: "ready" });
    }
    await askFor(old, upstream, "Yes");
    expect(old.said).toBe("Yes");
  });

  test("shows nothing once it is kept no more, and leaves nothing in Redis", async () => {
    const directory = newDirectory();
    await using nodes = await startChatNodes(redis(), directory, { limits: { retentionMs: 1 } });
    const { a, b, upstream } = nodes;
    const first = nodes.chat(a);
    const sending = first.sendMessage(HELLO);
    const names = () => redis().ask("KEYS", `${prefixOf(directory)}:name:*`);
    const exchange = (await upstream.request()).sse();
    await turnsUntil(async () => (await names()) !== "");
    exchange.event(chunk("Hi")).finishChat();
    await sending;
    await turnsUntil(async () => (await names()) === "");
    const page = nodes.chat(b);
    await page.resumeStream();
    expect(page).toMatchObject({ messages: [], status: "ready" });
  });
});

describeWithRedis("a chat", (redis) => {
  test("is another key's own affair, on any node", async () => {
    const directory = newDirectory();
    await using upstream = await startScriptedUpstream();
    const config = nodeConfig(redis(), directory);
    await using a = await startKeyedGateway(directory, upstream.url, config);
    await using b = await startKeyedGateway(directory, upstream.url, config);
    await letJudge(redis(), directory);
    const [alice, bob] = [await a.makeKey("alice"), await a.makeKey("bob")];
    const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
    using hers = chatOn(a, as(alice));
    const { sending, exchange } = await ask(hers, upstream);
    await turnsUntil(isSaid("Hi", hers));
    for (const node of [a, b]) {
      using his = chatOn(node, as(bob));
      await turnsUntil(async () => {
        await his.resumeStream();
        return his.status === "ready";
      });
      expect(his.messages).toEqual([]);
    }
    exchange.event(chunk("!")).finishChat();
    await sending;
    expect(hers.said).toBe("Hi!");
    using page = chatOn(b, as(alice));
    await page.resumeStream();
    expect(page.said).toBe("Hi!");
  });
});
