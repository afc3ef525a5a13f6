import { resolve } from "node:path";
import { announceKeys } from "../../../compose/cluster.ts";
import { checkNames } from "../../../compose/known-names.ts";
import type { Config } from "../../../config/schema.ts";
import type { GatewayKey } from "../../../core/caller/key-ring.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { KeyDatabase } from "../../../storage/keys/key-database.ts";
import type { KeyStore } from "../../../storage/keys/key-store.ts";
import { withDriver } from "../../../storage/postgres/driver.ts";
import { openDataDirectory } from "../../../storage/sqlite/data-directory.ts";
import type { CommandWorld } from "../../command.ts";
import { configOf } from "../../config-of.ts";
import { reasonOf } from "../../exit-codes.ts";

/** The part of the outside world that the commands about keys and teams use. */
export type KeysWorld = Pick<CommandWorld, "env" | "cwd" | "stdout" | "stderr">;

/** The options that say where the keys are. */
export interface KeyPlace {
  readonly config?: string | undefined;
  readonly data?: string | undefined;
}

/** The keys, and how the gateways learn at once that they changed. Those look by themselves, too: `announce` never rejects. */
export interface OpenedKeys {
  readonly keys: KeyStore;
  readonly announce: () => Promise<void>;
}

/** Opens the keys in `--data`, or where the configuration keeps them. */
export async function openKeys(
  values: KeyPlace,
  { env, cwd, stderr }: KeysWorld,
  wanted?: Pick<GatewayKey, "models" | "routes">,
): Promise<OpenedKeys> {
  if (values.data === "") throw bad("--data is empty");
  if (values.data !== undefined)
    return { keys: openFile(resolve(cwd, values.data), "--data"), announce: async () => {} };
  const found = configOf(values.config, { env, cwd });
  if (wanted) checkNames(wanted, found);
  const announce = () =>
    announceKeys(found).catch((error: unknown) => {
      stderr.write(`sluice: the nodes learn of it within two seconds, not at once: ${reasonOf(error)}\n`);
    });
  return { keys: await openConfigured(found), announce };
}

/** Opens the keys where the configuration keeps them. */
async function openConfigured({ data }: Config): Promise<KeyStore> {
  const { store, directory, postgres } = data;
  if (store === "sqlite") return openFile(directory, "SLUICE_DATA or data.directory");
  if (store === "memory" || !postgres) {
    throw new GatewayError("store_unavailable", "data.store is memory, which no other process can read");
  }
  const { openPostgresKeys } = await withDriver(() => import("../../../storage/keys/postgres-keys.ts"));
  return openPostgresKeys({ ...postgres, url: postgres.url.reveal() });
}

function openFile(directory: string, setting: string): KeyStore {
  openDataDirectory(directory, setting);
  try {
    return new KeyDatabase(directory);
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new GatewayError("store_unavailable", `the keys in ${directory} cannot be used: ${reason}`, { cause });
  }
}

const bad = (message: string) => new GatewayError("bad_request", message);
