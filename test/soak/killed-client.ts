/**
 * A client that may be killed at any moment: it writes every event to its file before it reads the next, and resumes after
 * the last one in the file. Arguments: the gateway's URL, its directory, the answer's name and its number of events.
 */
import { existsSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AckClient } from "../support/clients/ack-client.ts";
import { link } from "../support/clients/ack-stream.ts";

const [url = "", directory = "", key = "", events = ""] = process.argv.slice(2);
const answer = join(directory, "answer");
const name = join(directory, "stream.json");

const whole = existsSync(answer) ? readFileSync(answer) : Buffer.alloc(0);
// A line that was only partly written was not handled.
const end = whole.lastIndexOf("\n") + 1;
if (end < whole.length) truncateSync(answer, end);
const last = whole.subarray(0, end).reduce((count, byte) => (byte === 10 ? count + 1 : count), 0);

const file = openSync(answer, "a");
const client = new AckClient(url, {
  onApply(seq, payload) {
    if (!existsSync(name)) writeFileSync(name, JSON.stringify({ stream: stream.stream, epoch: 1 }));
    writeSync(file, link(seq, payload));
    process.send?.(seq);
  },
});
const pace = { events: 10, everyMs: 5 };
const body = { key, events: Number(events), pace, messages: [] };
const stream = client.open("a", { model: "gpt", idempotencyKey: key, body });
if (existsSync(name)) stream.begin({ ...JSON.parse(readFileSync(name, "utf8")), last });
await client.connect();
const over = await stream.over;
client.cut();
process.send?.({ over, faults: stream.faults }, () => process.exit());
