/**
 * Gives large reads to whatever keeps something of them, and prints which of these reads are still in the heap as a whole. In a
 * process of its own: a snapshot of a test's heap would take long.
 */
import { getHeapSnapshot } from "node:v8";
import { EventTemplate } from "../../../src/core/relay/event-template.ts";
import { firstEvent } from "../../../src/core/stream/kept-event.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import { SseReader } from "../../../src/upstream/body/sse-reader.ts";
import type { FramedHead } from "../../../src/upstream/http1/response-head.ts";
import { ResponseReader } from "../../../src/upstream/http1/response-reader.ts";

const READ_BYTES = 65_536;
/** V8 makes slices from this length on. */
const NAME = "event.of.more.than.thirteen.characters";

/** A read as a socket brings it, recognisable by its beginning. */
const readOf = (marker: string, text: string): string =>
  Buffer.from(`<<${marker}>>${text}`.padEnd(READ_BYTES, " ")).toString("latin1");

const within = (read: string, text: string): string => read.slice(read.indexOf(text), read.indexOf(text) + text.length);

function keptByReader(): unknown {
  let last: unknown;
  const event = (_name: string | undefined, data: string) => {
    last = data;
  };
  const reader = new SseReader(READ_BYTES * 2, { event, malformed: () => undefined, tooLarge: () => undefined });
  reader.read("data: begun ");
  const long = "x".repeat(READ_BYTES / 2);
  reader.read(readOf("reader", `here\n\ndata: one\n\ndata: ${long}\n\ndata: the last event\n\ndata: begun again`));
  return () => [reader, last];
}

function keptByHead(): unknown {
  const heads: FramedHead[] = [];
  const reader = new ResponseReader({ head: (head) => void heads.push(head), data: () => undefined });
  const start = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n";
  reader.read(Buffer.from(start.padEnd(READ_BYTES, "<<head>>")).toString("latin1"));
  return () => [reader, heads];
}

function keptByTemplate(): unknown {
  const template = new EventTemplate();
  const data = '{"a field of some length":1,"text":"the text of this event"}';
  template.learn(within(readOf("template", NAME), NAME), within(readOf("template", data), data), {
    text: "the text of this event",
  });
  return () => template;
}

function keptByLog(): unknown {
  const log = new StreamLog({ maxBytes: 1_000_000, maxEntries: 100 });
  const entry = log.append(within(readOf("log", NAME), NAME), "{}", false);
  return () => [log, entry];
}

function keptFirst(): unknown {
  const data = '{"type":"response.created","sequence_number":0}';
  const first = firstEvent({
    seq: 1,
    event: undefined,
    data: within(readOf("first", data), data),
    raw: false,
    hasContent: false,
  });
  return () => first;
}

/** Not copied: shows that what is looked for would be found. */
function keptBySlice(): unknown {
  const slice = within(readOf("slice", NAME), NAME);
  return () => slice;
}

const kept = [keptByReader(), keptByHead(), keptByTemplate(), keptByLog(), keptFirst(), keptBySlice()];
const { snapshot, nodes, strings } = JSON.parse((await getHeapSnapshot().setEncoding("utf8").toArray()).join("")) as {
  readonly snapshot: { readonly meta: { readonly node_fields: readonly string[] } };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
};
const fields = snapshot.meta.node_fields;
const found = new Set<string>();
for (let at = 0; at < nodes.length; at += fields.length) {
  if ((nodes[at + fields.indexOf("self_size")] ?? 0) < READ_BYTES / 2) continue;
  const name = strings[nodes[at + fields.indexOf("name")] ?? 0] ?? "";
  const marker = /<<([^>]*)>>/.exec(name)?.[1];
  if (marker !== undefined) found.add(marker);
}
process.stdout.write(JSON.stringify({ found: [...found], held: kept.length }));
