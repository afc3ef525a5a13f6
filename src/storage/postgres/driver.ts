import { isNativeError } from "node:util/types";
import { GatewayError } from "../../core/kernel/errors.ts";

const CONFIGURED = 'data.store is "postgres"';

/**
 * Loads a module that needs PostgreSQL's driver: only where it is used, because that takes longer than loading all that
 * SQLite needs. Rejects with `store_unavailable` when the driver is not installed. `why`: what needs it.
 */
export async function withDriver<Module>(load: () => Promise<Module>, why = CONFIGURED): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    throw new GatewayError(
      "store_unavailable",
      `${why}, and its driver, the optional package pg, is not installed: install without --omit=optional, or npm install pg`,
      { cause },
    );
  }
}

const isMissing = (error: unknown): boolean =>
  isNativeError(error) &&
  "code" in error &&
  error.code === "ERR_MODULE_NOT_FOUND" &&
  /package 'pg'/.test(error.message);
