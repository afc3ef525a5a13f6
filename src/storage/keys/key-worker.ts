/** The thread that reads a data directory's keys. */
import { workerData } from "node:worker_threads";
import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { oneByOne, serve } from "../sqlite/worker-program.ts";
import { KeyDatabase } from "./key-database.ts";

/** What the thread offers. */
export interface KeyOperations {
  /** All keys, if they changed since this thread last returned them. Throws when they cannot be read. */
  changed(): readonly GatewayKey[] | undefined;
}

const database = new KeyDatabase(String(workerData));
let returned: number | undefined;

serve<KeyOperations>({
  answer: oneByOne<KeyOperations>({
    changed() {
      // Read before the keys: a change in between shows at the next look.
      const version = database.version();
      if (version === returned) return undefined;
      const keys = database.list();
      returned = version;
      return keys;
    },
  }),
  close: () => database.close(),
});
