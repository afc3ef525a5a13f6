import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { oneByOne, type Service } from "../sqlite/service.ts";
import { KeyDatabase } from "./key-database.ts";

/** What the service offers. */
export interface KeyOperations {
  /** All keys, if they changed since the service last returned them. Throws when they cannot be read. */
  changed(): readonly GatewayKey[] | undefined;
}

/** Reads a directory's keys. */
export function open(directory: string): Service<KeyOperations> {
  const database = new KeyDatabase(directory);
  let returned: number | undefined;
  return {
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
  };
}
