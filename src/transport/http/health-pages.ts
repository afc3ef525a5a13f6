import type { JsonObject } from "../../core/kernel/json.ts";
import { jsonPage, type Page } from "./page.ts";

/** Whether new work is welcome. */
export interface Readiness {
  /** Why it is not; undefined if it is. */
  readonly reason: string | undefined;
  /** What `/readyz` shows besides: anybody may read it. */
  readonly details: JsonObject;
}

/**
 * `/healthz`, which says that the process lives, and `/readyz`: 503 while the gateway stops or is not ready. Undefined for
 * any other path.
 */
export function healthPage(
  path: string,
  isDraining: boolean,
  readiness: () => Readiness = alwaysReady,
): Page | undefined {
  if (path === "/healthz") return jsonPage(200, { status: "live" });
  if (path !== "/readyz") return undefined;
  const { reason, details } = readiness();
  if (isDraining) return jsonPage(503, { status: "draining", ...details });
  if (reason !== undefined) return jsonPage(503, { status: "not_ready", reason, ...details });
  return jsonPage(200, { status: "ready", ...details });
}

const alwaysReady = (): Readiness => ({ reason: undefined, details: {} });
