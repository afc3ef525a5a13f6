import { expect, test } from "@jest/globals";
import { freeze } from "../../support/gateways/freeze.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { startOwnerProcess } from "../../support/nodes/owner-and-other.ts";
import { prefixOf, startTwoNodes } from "../../support/nodes/two-nodes.ts";
import { chunk, isEvent, openOn, openWith, resumeOn, seqsOf } from "../../support/relay/opened-stream.ts";
import { describeWithRedis, type TestRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();
const LOST = { status: "failed", error: { code: "owner_lost", retryable: true }, usage: { source: "estimated" } };

/** Resolves once Redis says how a stream ended. */
async function endIsStored(redis: TestRedis, directory: string, stream: string): Promise<void> {
  await turnsUntil(async () => (await redis.ask("HGET", `${prefixOf(directory)}:stream:${stream}`, "end")) !== "");
}

describeWithRedis("when the node that runs a stream", (redis) => {
  test("is killed, its clients read on elsewhere and are told; the upstream is not called again", async () => {
    await using nodes = await startOwnerProcess(redis(), newDirectory());
    const { upstream, owner, other } = nodes;
    using first = await openWith(owner, upstream, ["one", "two"]);
    // Reads along, and so has seen that both are in Redis.
    using watching = await resumeOn(other, first.stream, 0);
    await watching.take(isEvent(2));
    owner.kill("SIGKILL");
    expect((await watching.rest("one")).end).toMatchObject({ ...LOST, lastSeq: 2 });
    using late = await resumeOn(other, first.stream, 1);
    const { events, end } = await late.rest("one");
    expect(seqsOf(events)).toEqual([2]);
    expect(end).toMatchObject({ ...LOST, lastSeq: 2 });
    // It has seen an event that its node did not write any more.
    using ahead = await resumeOn(other, first.stream, 3);
    expect((await ahead.rest("one")).end).toMatchObject({ ...LOST, lastSeq: 3 });
    expect(upstream.requests).toBe(1);
  });

  test("is killed, who comes back learns that the last reading ended with it", async () => {
    const directory = newDirectory();
    await using nodes = await startOwnerProcess(redis(), directory);
    const { upstream, owner, other } = nodes;
    using first = await openWith(owner, upstream, ["one"]);
    const written = () => redis().ask("HGET", `${prefixOf(directory)}:stream:${first.stream}`, "seq");
    await turnsUntil(async () => (await written()) === "1");
    owner.kill("SIGKILL");
    await endIsStored(redis(), directory, first.stream);
    using late = await resumeOn(other, first.stream, 0);
    expect(await late.next()).toMatchObject({ type: "resumed", previous: "owner_lost" });
  });

  test("leaves in good order, its streams' ends are read elsewhere", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a: owner, b: other, upstream } = nodes;
    using first = await openWith(owner, upstream, ["one"]);
    await owner.close();
    using late = await resumeOn(other, first.stream, 0);
    const { events, end } = await late.rest("one");
    expect(seqsOf(events)).toEqual([1]);
    expect(end).toMatchObject({ status: "failed", lastSeq: 1, error: { code: "shutting_down" } });
  });

  test("stands still, what its sockets gathered meanwhile reaches nobody when it wakes", async () => {
    const directory = newDirectory();
    await using nodes = await startOwnerProcess(redis(), directory);
    const { upstream, owner, other } = nodes;
    using first = await openOn(owner, upstream);
    first.exchange.event(chunk("one"));
    // Reads along, and so has seen that it is in Redis.
    using watching = await resumeOn(other, first.stream, 0);
    await watching.take(isEvent(1));
    using back = await resumeOn(owner, first.stream, 1);
    await back.take(({ type }) => type === "resumed");
    await freeze(owner.pid, directory);
    first.exchange.event(chunk("after")).finishChat();
    await endIsStored(redis(), directory, first.stream);
    process.kill(owner.pid, "SIGCONT");
    const { events, end } = await back.rest("one");
    expect(events).toEqual([]);
    expect(end).toMatchObject({ status: "failed", error: { code: "owner_lost" } });
    await first.exchange.closed;
    using late = await resumeOn(other, first.stream, 0);
    expect((await late.rest("one")).end).toMatchObject({ ...LOST, lastSeq: 1 });
    // Told once, and nothing after it.
    expect(back.texts.filter((text) => text.includes('"id":"one"')).map((text) => JSON.parse(text).type)).toEqual([
      "resumed",
      "end",
    ]);
  });

  test("stands still for longer than its lease, it is fenced when it wakes: same end, upstream closed", async () => {
    const directory = newDirectory();
    await using nodes = await startOwnerProcess(redis(), directory);
    const { upstream, owner, other } = nodes;
    using first = await openWith(owner, upstream, ["one"]);
    using watching = await resumeOn(other, first.stream, 0);
    await watching.take(isEvent(1));
    await first.client.take(({ type }) => type === "detached");
    await freeze(owner.pid, directory);
    expect((await watching.rest("one")).end).toMatchObject({ ...LOST, lastSeq: 1 });
    first.exchange.event(chunk("after"));
    process.kill(owner.pid, "SIGCONT");
    await first.exchange.closed;
    using late = await resumeOn(other, first.stream, 0);
    expect((await late.rest("one")).end).toMatchObject({ ...LOST, lastSeq: 1 });
    using atHome = await resumeOn(owner, first.stream, 0);
    expect((await atHome.rest("one")).end).toMatchObject({ status: "failed", error: { code: "owner_lost" } });
  });
});
