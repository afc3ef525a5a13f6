/**
 * A process that writes pairs of messages into a store until it is killed or a write fails. Prints each acknowledged pair, and
 * after a failure the error and how many messages can still be read.
 */
import { argv, stdout } from "node:process";
import { openSqliteTranscripts } from "../../../src/storage/transcripts/sqlite-transcripts.ts";

const [, , directory = ""] = argv;
const store = await openSqliteTranscripts({ directory });
let next = 0;

async function writeOn(): Promise<void> {
  for (;;) {
    const pair = next++;
    const record = (seq: number) =>
      ({ id: `m${seq}`, seq, role: "user", content: [{ type: "text", text: "x".repeat(500) }], timestamp: 0 }) as const;
    await store.append("s", [record(pair * 2 + 1), record(pair * 2 + 2)]);
    stdout.write(`${pair}\n`);
  }
}

// Several writers, so that commits carry several writes.
const failures = await Promise.allSettled([1, 2, 3, 4].map(writeOn));
const codes = failures.map((failure) => (failure.status === "rejected" ? failure.reason.code : "none"));
stdout.write(`failed ${codes.join(",")} ${(await store.messages("s")).length}\n`);
await store.close();
