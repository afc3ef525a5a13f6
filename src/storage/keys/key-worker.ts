/** The thread that watches a data directory's keys: posts all of them at its start, and whenever they change. */
import { parentPort, workerData } from "node:worker_threads";
import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { KeyDatabase } from "./key-database.ts";

/** A look costs some microseconds: SQLite compares one number in shared memory. */
const LOOK_MS = 250;

export type FromKeyWorker = { readonly keys: readonly GatewayKey[] } | { readonly failure: unknown };

if (!parentPort) throw new Error("this file runs as a worker thread");
const port = parentPort;
const database = new KeyDatabase(String(workerData));
// Read before the keys: what changes in between is seen at the next look.
let seen = database.version();
let failing = false;
port.postMessage({ keys: database.list() } satisfies FromKeyWorker);

const looking = setInterval(() => {
  try {
    const version = database.version();
    if (version !== seen) port.postMessage({ keys: database.list() } satisfies FromKeyWorker);
    seen = version;
    failing = false;
  } catch (failure) {
    // Said once: the next looks will tell no more.
    if (!failing) port.postMessage({ failure } satisfies FromKeyWorker);
    failing = true;
  }
}, LOOK_MS);

port.once("message", () => {
  clearInterval(looking);
  database.close();
  port.close();
});
