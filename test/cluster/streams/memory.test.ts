import { expect, test } from "@jest/globals";
import { nameOf, prefixOf, startTwoNodes } from "../../support/nodes/two-nodes.ts";
import { chunk, isEvent, openWith, resumeOn } from "../../support/relay/opened-stream.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();
const LOG_BYTES = 65_536;

async function logBytes({ url }: { readonly url: string }): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return Number(/^sluice_log_bytes (\S+)$/m.exec(page)?.[1]);
}

describeWithRedis("a node that reads another's stream for a client that does not read", (redis) => {
  test("holds two logs' worth of it at most, and gives all of it back; so does Redis after the retention", async () => {
    const directory = newDirectory();
    const limits = { logBytes: LOG_BYTES, retentionMs: 100, streams: { logEntries: 64 } };
    await using nodes = await startTwoNodes(redis(), directory, { limits });
    const { a, b, upstream } = nodes;
    using first = await openWith(a, upstream, ["one"]);
    using slow = await resumeOn(b, first.stream, 0, { flow: "ack" });
    await slow.take(isEvent(1));
    const text = "x".repeat(8_000);
    let most = 0;
    for (let sent = 0; first.exchange.unsentBytes < 1_000_000; sent += text.length) {
      if (sent > 80_000_000) throw new Error("nothing held the upstream back");
      first.exchange.event(chunk(text));
      await new Promise((turn) => setImmediate(turn));
      if (sent % 800_000 === 0) most = Math.max(most, await logBytes(b));
    }
    most = Math.max(most, await logBytes(b));
    expect(most).toBeGreaterThan(text.length);
    expect(most).toBeLessThanOrEqual(2 * LOG_BYTES);
    slow.ws.terminate();
    while ((await logBytes(b)) > 0);
    await fetch(`${b.url}/v1/streams/${first.stream}/cancel`, { method: "POST" });
    await first.exchange.closed;
    while ((await logBytes(a)) > 0);
    const prefix = prefixOf(directory);
    const keys = [`${prefix}:log:${first.stream}`, `${prefix}:streams:${await nameOf(a)}`];
    while ((await redis().ask("EXISTS", ...keys)) !== "0");
    // So long one is told that it has expired.
    expect(Number(await redis().ask("PTTL", `${prefix}:stream:${first.stream}`))).toBeGreaterThan(0);
    expect(await (await fetch(`${b.url}/v1/streams/${first.stream}/events`)).json()).toMatchObject({
      error: { details: { reason: "expired" } },
    });
  });
});
