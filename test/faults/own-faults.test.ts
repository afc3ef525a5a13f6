import { describe, expect, test } from "@jest/globals";
import { openRelay } from "../support/relayed-stream.ts";
import { startScriptedUpstream } from "../support/scripted-upstream.ts";

describe("a fault of our own while an event passes (P14)", () => {
  test("fails that stream internal, closes its upstream, and is reported; the other streams go on", async () => {
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
    expect(await faulty.terminal).toMatchObject({ status: "failed", lastSeq: 1, error: { code: "internal" } });
    await first.closed;
    second.event("2").end();
    expect(await sound.terminal).toMatchObject({ status: "completed", lastSeq: 2 });
    expect(relay.faults).toEqual([expect.objectContaining({ code: "internal", cause: expect.any(TypeError) })]);
  });
});
