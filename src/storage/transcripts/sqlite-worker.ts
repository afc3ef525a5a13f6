/** The thread of the database: collects what came in one turn of its loop, commits it together, and answers. */
import { parentPort, workerData } from "node:worker_threads";
import { type Call, type Outcome, SqliteDatabase } from "./sqlite-database.ts";

export type ToWorker = { readonly id: number; readonly call: Call } | "close";
export type FromWorker = { readonly id: number; readonly outcome: Outcome };

if (!parentPort) throw new Error("this file runs as a worker thread");
const port = parentPort;
const database = new SqliteDatabase(String(workerData));
let waiting: { readonly id: number; readonly call: Call }[] = [];

function commit(): void {
  const batch = waiting;
  waiting = [];
  const outcomes = database.batch(batch.map(({ call }) => call));
  outcomes.forEach((outcome, index) => {
    const id = batch[index]?.id;
    if (id !== undefined) port.postMessage({ id, outcome } satisfies FromWorker);
  });
}

port.on("message", (message: ToWorker) => {
  if (message === "close") {
    if (waiting.length > 0) commit();
    database.close();
    // Nothing is left to keep the thread: it ends.
    port.close();
    return;
  }
  if (waiting.push(message) === 1) setImmediate(commit);
});

port.postMessage("ready");
