/** Nodes whose clocks differ agree on which answer of a chat is the newest. */
import { expect, test } from "@jest/globals";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { configFor, startSluice } from "../../support/gateways/sluice-process.ts";
import { nodeConfig } from "../../support/nodes/two-nodes.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";
import { ask, askFor, chatOn } from "./chat-nodes.ts";

const newDirectory = temporaryDirectories();

/** A clock that is a minute behind. */
const BEHIND = "const now = Date.now; Date.now = () => now() - 60_000;";

describeWithRedis("on a node whose clock is behind", (redis) => {
  test("the answer that runs is the one that a page elsewhere resumes, not the one before it", async () => {
    const config = nodeConfig(redis(), newDirectory());
    await using upstream = await startScriptedUpstream();
    await using behind = await startSluice(configFor(upstream.url, config), { preload: BEHIND });
    await using right = await startTestGateway({ upstream: upstream.url, config });
    using first = chatOn(right);
    await askFor(first, upstream, "One");
    using second = chatOn(behind);
    const { sending, exchange } = await ask(second, upstream, "Two");
    using page = chatOn(right);
    const resuming = page.resumeStream();
    exchange.finishChat();
    await Promise.all([sending, resuming]);
    expect(page.said).toBe("Two");
  });
});
