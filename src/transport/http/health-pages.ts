import type { JsonObject } from "../../core/kernel/json.ts";
import { jsonPage, type Page } from "./page.ts";

/** Whether new work is welcome. */
export interface Readiness {
  readonly isReady: boolean;
  /** What `/readyz` shows to whoever asks, besides the status. */
  readonly details: JsonObject;
}

/**
 * `/healthz`, which says that the process lives, and `/readyz`: 503 while the gateway stops or is not ready. Undefined for
 * any other path.
 */
export function healthPage(path: string, isDraining: boolean, readiness: () => Readiness): Page | undefined {
  if (path === "/healthz") return jsonPage(200, { status: "live" });
  if (path !== "/readyz") return undefined;
  const { isReady, details } = readiness();
  if (isDraining) return jsonPage(503, { status: "draining", ...details });
  return isReady ? jsonPage(200, { status: "ready", ...details }) : jsonPage(503, { status: "not_ready", ...details });
}
