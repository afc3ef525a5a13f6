import type { Config } from "../../config/schema.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { withDriver } from "../../storage/postgres/driver.ts";

/** Why the configured store could not be used now, as far as that shows without changing it; undefined if it could. */
export async function storageProblem({ data, cluster: { redis } }: Config): Promise<string | undefined> {
  const { store, postgres, shared } = data;
  if (store !== "postgres" || !postgres) return undefined;
  const sharing = shared || redis ? { prefix: redis?.prefix } : undefined;
  try {
    const { tryPostgres } = await withDriver(() => import("../../storage/postgres/trial.ts"));
    await tryPostgres({ ...postgres, url: postgres.url.reveal() }, sharing);
    return undefined;
  } catch (error) {
    if (error instanceof GatewayError) return error.message;
    throw error;
  }
}
