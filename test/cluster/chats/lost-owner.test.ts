import { expect, test } from "@jest/globals";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { startCutOffOwner, startOwnerProcess } from "../../support/nodes/owner-and-other.ts";
import { letJudge, prefixOf } from "../../support/nodes/two-nodes.ts";
import { chunk } from "../../support/relay/opened-stream.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { nextChange } from "../../support/stores/redis-outage.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { ask, askFor, chatOn, isSaid, startChatNodes } from "./chat-nodes.ts";

const newDirectory = temporaryDirectories();
const GONE = "The part of the gateway that wrote the answer is gone, and the answer is not complete.";

describeWithRedis("when the node that runs a chat's answer", (redis) => {
  test("is killed, its pages are told elsewhere what came and that it is lost; once, and the chat goes on", async () => {
    await using nodes = await startOwnerProcess(redis(), newDirectory());
    const { upstream, owner, other } = nodes;
    using first = chatOn(owner);
    const { sending } = await ask(first, upstream);
    // Reads along, and so has seen that it is in Redis.
    using watching = chatOn(other);
    const resuming = watching.resumeStream();
    await turnsUntil(isSaid("Hi", first, watching));
    owner.kill("SIGKILL");
    await Promise.all([sending, resuming]);
    expect(watching).toMatchObject({ said: "Hi", status: "error", error: { message: GONE } });
    expect(watching.failures).toMatchObject([{ code: "owner_lost", retryable: true }]);
    using page = chatOn(other);
    await page.resumeStream();
    expect(page).toMatchObject({ messages: [], status: "ready" });
    await askFor(page, upstream, "Yes");
    expect(page.said).toBe("Yes");
  });

  test("is killed while nobody reads elsewhere, the first page that comes back is told", async () => {
    const directory = newDirectory();
    await using nodes = await startOwnerProcess(redis(), directory);
    const { upstream, owner, other } = nodes;
    using first = chatOn(owner);
    const { sending } = await ask(first, upstream);
    const stored = async (field: string) => {
      const stream = await redis().ask("KEYS", `${prefixOf(directory)}:stream:*`);
      return stream === "" ? "" : redis().ask("HGET", stream, field);
    };
    await turnsUntil(async () => (await stored("seq")) === "1");
    owner.kill("SIGKILL");
    await sending;
    await turnsUntil(async () => (await stored("end")) !== "");
    using page = chatOn(other);
    await page.resumeStream();
    expect(page).toMatchObject({ said: "Hi", status: "error", error: { message: GONE } });
  });
});

describeWithRedis("of an answer that its node cannot write to Redis", (redis) => {
  test("nobody says that there is nothing to resume, and it goes on elsewhere once it is written", async () => {
    await using nodes = await startCutOffOwner(redis(), newDirectory());
    const { upstream, owner, other, letGo } = nodes;
    using first = chatOn(owner);
    const { sending, exchange } = await ask(first, upstream);
    await turnsUntil(isSaid("Hi", first));
    using refused = chatOn(other);
    await refused.resumeStream();
    expect(refused.failures).toMatchObject([{ code: "cluster_unavailable", retryable: true }]);
    // On its own node Redis is not needed.
    using atHome = chatOn(owner);
    const reading = atHome.resumeStream();
    await turnsUntil(isSaid("Hi", atHome));
    letGo();
    using page = chatOn(other);
    const untilFound = async (): Promise<void> => {
      await page.resumeStream();
      if (page.status !== "ready") await untilFound();
    };
    const resuming = untilFound();
    await turnsUntil(isSaid("Hi", page));
    exchange.event(chunk("!")).finishChat();
    await Promise.all([sending, reading, resuming]);
    expect([first.said, atHome.said, page.said]).toEqual(["Hi!", "Hi!", "Hi!"]);
    expect(page.failures).toEqual(page.failures.map(() => expect.objectContaining({ code: "cluster_unavailable" })));
  });
});

describeWithRedis("when Redis has lost its data", (redis) => {
  test("a chat's answer is found elsewhere all the same", async () => {
    const directory = newDirectory();
    await using nodes = await startChatNodes(redis(), directory);
    const { a, b, upstream } = nodes;
    const first = nodes.chat(a);
    const { sending, exchange } = await ask(first, upstream);
    await turnsUntil(isSaid("Hi", first));
    const lost = nextChange([a, b], "data_lost");
    await redis().ask("FLUSHALL");
    await lost;
    await letJudge(redis(), directory);
    const tab = nodes.chat(b);
    const resuming = tab.resumeStream();
    await turnsUntil(isSaid("Hi", tab));
    exchange.event(chunk("!")).finishChat();
    await Promise.all([sending, resuming]);
    expect(tab.said).toBe("Hi!");
  });
});
