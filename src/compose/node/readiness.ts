import type { IncomingHttpHeaders } from "node:http";
import { mayDo } from "../../core/caller/caller.ts";
import type { JsonObject } from "../../core/kernel/json.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import { tokensOf } from "../../transport/auth/credentials.ts";
import type { Readiness } from "../../transport/http/health-pages.ts";
import type { Storage } from "../storage/storage.ts";
import type { ClusterNode } from "./cluster-node.ts";

/**
 * What `/readyz` answers: a node that does not hear from its cluster wants no work. Only callers who may read the metrics learn
 * why, and the state of what it depends on.
 */
export function connectReadiness(
  node: ClusterNode | undefined,
  { health }: Pick<Storage, "health">,
  authenticator: Authenticator,
): (headers: IncomingHttpHeaders, remoteAddress: string) => Readiness {
  const details = (): JsonObject => {
    const { reason } = node ?? {};
    const store = health?.();
    const postgres = store && {
      state: store.isUp ? "up" : "away",
      ...(store.reason !== undefined && { reason: store.reason }),
      ...(store.isUp && store.latencyMs !== undefined && { latencyMs: Math.round(store.latencyMs * 100) / 100 }),
    };
    return { ...(reason !== undefined && { reason }), ...node?.details, ...(postgres && { postgres }) };
  };
  const maySee = (headers: IncomingHttpHeaders, remoteAddress: string): boolean => {
    try {
      const [token, ...others] = tokensOf(headers);
      const caller = authenticator.authenticate(token, remoteAddress, ...others);
      return caller !== undefined && mayDo(caller, "read");
    } catch {
      return false;
    }
  };
  return (headers, remoteAddress) => ({
    isReady: node?.reason === undefined,
    details: maySee(headers, remoteAddress) ? details() : {},
  });
}
