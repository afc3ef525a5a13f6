import { expect, test } from "@jest/globals";
import { configFor, startSluice } from "../../support/gateways/sluice-process.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { untilStored } from "../../support/stores/stored-text.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const newDirectory = temporaryDirectories();
const INTERRUPTED = "The gateway stopped in the middle of this answer.";

test("a gateway killed again and again in mid-answer shows what each answer had, and that it was interrupted", async () => {
  await using upstream = await startScriptedUpstream();
  const directory = newDirectory();
  const config = configFor(upstream.url, { data: { store: "sqlite", directory } });
  const expected: object[] = [];
  for (let life = 1; life <= 3; life++) {
    await using gateway = await startSluice(config);
    using client = await OpenClawClient.dial(gateway.url);
    await client.connect();
    const seen = await client.request("chat.history", { sessionKey: "trip" });
    expect(seen.messages).toMatchObject(expected);
    const message = `question ${life}`;
    await client.request("chat.send", { sessionKey: "trip", message, idempotencyKey: `run-${life}` });
    const answer = new ChatScript(await upstream.request());
    answer.text(`answer ${life}`).text(" in part");
    await client.until(() => client.textOf(`run-${life}`) === `answer ${life} in part`);
    await untilStored(directory, `answer ${life} in part`);
    gateway.kill("SIGKILL");
    expect(await gateway.exit).toBe("SIGKILL");
    const content = [`answer ${life} in part`, `⚠️ ${INTERRUPTED}`].map((text) => ({ type: "text", text }));
    expected.push({ role: "user", content: message });
    expected.push({ role: "assistant", content, errorMessage: INTERRUPTED, stopReason: "error" });
  }
});
