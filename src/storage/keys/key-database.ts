import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { KEY_STEPS } from "../sqlite/migrations.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { inTransaction } from "../sqlite/transaction.ts";
import { hasKey, type KeyStore, noKey } from "./key-store.ts";

/** Keys have their own file so that its version changes only when they do, not with every transcript. */
export const KEY_FILE = "keys.db";

/** The gateway keys of a data directory. Blocking: for commands, and for the gateway's key thread. */
export class KeyDatabase implements KeyStore {
  readonly #database: DatabaseSync;
  readonly #list: StatementSync;
  readonly #save: StatementSync;
  readonly #version: StatementSync;

  /** Opens or creates the file. Throws when it cannot be used. */
  constructor(directory: string) {
    const database = openDatabase(directory, KEY_FILE, KEY_STEPS);
    this.#database = database;
    this.#list = database.prepare("SELECT record FROM keys ORDER BY rowid");
    this.#save = database.prepare(
      `INSERT INTO keys (id, caller, revoked, record) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET revoked = excluded.revoked, record = excluded.record`,
    );
    this.#version = database.prepare("PRAGMA data_version");
  }

  /** All keys, oldest first, including revoked ones. */
  list(): readonly GatewayKey[] {
    return this.#list.all().map(({ record }) => JSON.parse(String(record)));
  }

  /** Adds a key. Throws `bad_request` when its caller already has one that is not revoked. */
  add(key: GatewayKey): void {
    inTransaction(this.#database, () => {
      if (this.list().some(({ caller, revokedAt }) => caller === key.caller && revokedAt === undefined)) {
        throw hasKey(key.caller);
      }
      this.#write(key);
    });
  }

  /**
   * Changes the key with this id, or this caller's unrevoked key, and returns the new version. Throws `bad_request`
   * when there is none.
   */
  change(idOrCaller: string, change: (key: GatewayKey) => GatewayKey): GatewayKey {
    return inTransaction(this.#database, () => {
      const keys = this.list();
      const key =
        keys.find(({ id }) => id === idOrCaller) ??
        keys.find(({ caller, revokedAt }) => caller === idOrCaller && revokedAt === undefined);
      if (!key) throw noKey(idOrCaller);
      const changed = change(key);
      this.#write(changed);
      return changed;
    });
  }

  /** SQLite's `data_version`: differs from the last one once another connection has changed the file. */
  version(): number {
    return Number(this.#version.get()?.data_version);
  }

  /** Closes the file. */
  close(): void {
    this.#database.close();
  }

  #write(key: GatewayKey): void {
    this.#save.run(key.id, key.caller, key.revokedAt === undefined ? 0 : 1, JSON.stringify(key));
  }
}
