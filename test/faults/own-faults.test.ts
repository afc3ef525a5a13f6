import { describe, expect, test } from "@jest/globals";
import { openRelay } from "../support/relay/relayed-stream.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

describe("a fault of our own while an event passes (P14)", () => {
  test("ends its reader and is reported; the stream's record and other streams continue", async () => {
    await using upstream = await startScriptedUpstream();
    await using relay = openRelay(upstream.url, { dialect: "plain-sse" });
    const faulty = relay.open({
      onEntry: () => {
        throw new TypeError("a fault of a reader");
      },
    });
    const first = (await upstream.request()).sse();
    const sound = relay.open();
    const second = (await upstream.request()).sse();
    first.event("1");
    second.event("1");
    await sound.received(1);
    second.event("2").end();
    first.event("2").end();
    expect(await sound.terminal).toMatchObject({ status: "completed", lastSeq: 2 });
    await relay.ended(2);
    expect(faulty.stream.terminal).toMatchObject({ status: "completed", lastSeq: 2 });
    expect(faulty.data).toEqual(["1"]);
    expect(relay.records.map(({ terminal }) => terminal.status)).toEqual(["completed", "completed"]);
    expect(relay.faults).toEqual([expect.any(TypeError)]);
  });
});
