import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Team } from "../../core/caller/caller.ts";
import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { KEY_STEPS } from "../sqlite/migrations.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { inTransaction } from "../sqlite/transaction.ts";
import { checkTeam, keyOf, keysWithout, recordOf } from "./key-records.ts";
import { hasKey, type KeyStore, noKey, type TeamChange } from "./key-store.ts";

/** Keys have their own file so that its version changes only when they do, not with every transcript. */
export const KEY_FILE = "keys.db";

/** The gateway keys of a data directory. Blocking: for commands, and for the gateway's key thread. */
export class KeyDatabase implements KeyStore {
  readonly #database: DatabaseSync;
  readonly #list: StatementSync;
  readonly #save: StatementSync;
  readonly #teams: StatementSync;
  readonly #saveTeam: StatementSync;
  readonly #removeTeam: StatementSync;
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
    this.#teams = database.prepare("SELECT record FROM teams ORDER BY name");
    this.#saveTeam = database.prepare(
      "INSERT INTO teams (name, record) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET record = excluded.record",
    );
    this.#removeTeam = database.prepare("DELETE FROM teams WHERE name = ?");
    this.#version = database.prepare("PRAGMA data_version");
  }

  /** All keys, oldest first, including revoked ones. */
  list(): readonly GatewayKey[] {
    const teams = this.teams();
    return this.#list.all().map(({ record }) => keyOf(JSON.parse(String(record)), teams));
  }

  teams(): readonly Team[] {
    return this.#teams.all().map(({ record }) => JSON.parse(String(record)));
  }

  changeTeam(name: string, change: TeamChange): Team {
    return inTransaction(this.#database, () => {
      const changed = change(this.teams().find((team) => team.name === name));
      this.#saveTeam.run(name, JSON.stringify(changed));
      return changed;
    });
  }

  removeTeam(name: string, mayLeave: boolean): readonly GatewayKey[] {
    return inTransaction(this.#database, () => {
      const left = keysWithout(name, this.teams(), this.list(), mayLeave);
      for (const key of left) this.#write(key);
      this.#removeTeam.run(name);
      return left;
    });
  }

  /** Adds a key. Throws `bad_request` when its caller already has one that is not revoked. */
  add(key: GatewayKey): void {
    inTransaction(this.#database, () => {
      if (this.list().some(({ caller, revokedAt }) => caller === key.caller && revokedAt === undefined)) {
        throw hasKey(key.caller);
      }
      checkTeam(key, this.teams());
      this.#write(key);
    });
  }

  /**
   * Changes the key with this id, or this caller's unrevoked key, and returns the new version. Throws `bad_request`
   * when there is none, or no such team as it gets.
   */
  change(idOrCaller: string, change: (key: GatewayKey) => GatewayKey): GatewayKey {
    return inTransaction(this.#database, () => {
      const keys = this.list();
      const key =
        keys.find(({ id }) => id === idOrCaller) ??
        keys.find(({ caller, revokedAt }) => caller === idOrCaller && revokedAt === undefined);
      if (!key) throw noKey(idOrCaller);
      const changed = change(key);
      checkTeam(changed, this.teams());
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
    this.#save.run(key.id, key.caller, key.revokedAt === undefined ? 0 : 1, JSON.stringify(recordOf(key)));
  }
}
