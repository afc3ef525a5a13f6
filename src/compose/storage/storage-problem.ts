import type { Config } from "../../config/schema.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { withDriver } from "../../storage/postgres/driver.ts";

/** Why the configured store could not be used now, as far as that shows without changing it; undefined if it could. */
export async function storageProblem({ data: { store, postgres } }: Config): Promise<string | undefined> {
  if (store !== "postgres" || !postgres) return undefined;
  try {
    const { tryPostgres } = await withDriver(() => import("../../storage/postgres/trial.ts"));
    await tryPostgres({ ...postgres, url: postgres.url.reveal() });
    return undefined;
  } catch (error) {
    if (error instanceof GatewayError) return error.message;
    throw error;
  }
}
