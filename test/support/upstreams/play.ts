import { expect } from "@jest/globals";
import { openRelay, type RelayedStream, type RelaySettings } from "../relay/relayed-stream.ts";
import { type ScriptedExchange, startScriptedUpstream } from "./scripted-upstream.ts";

/**
 * Plays one answer through the relay and gives how the stream ended. However it did, there was one call and one record
 * of it, and a failed call's socket is closed.
 */
export async function play(
  script: (exchange: ScriptedExchange, opened: RelayedStream) => unknown,
  settings: RelaySettings = {},
) {
  await using upstream = await startScriptedUpstream();
  await using relay = openRelay(upstream.url, settings);
  const opened = relay.open();
  const exchange = await upstream.request();
  await script(exchange, opened);
  const terminal = await opened.terminal;
  // A body that ended in order leaves its connection for the next call.
  if (terminal.error && terminal.error.code !== "upstream_truncated") await exchange.closed;
  expect(terminal.lastSeq).toBe(opened.entries.length);
  expect(relay.records.length).toBe(1);
  expect(upstream.requests).toBe(1);
  return { terminal, entries: opened.entries, data: opened.data };
}
