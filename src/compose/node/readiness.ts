import type { Readiness } from "../../transport/http/health-pages.ts";
import type { Storage } from "../storage/storage.ts";
import type { ClusterNode } from "./cluster-node.ts";

/** What `/readyz` says: a node that is deaf to its cluster wants no work. */
export function connectReadiness(node: ClusterNode | undefined, { health }: Pick<Storage, "health">): () => Readiness {
  return () => {
    const store = health?.();
    const postgres = store && {
      state: store.isUp ? "up" : "away",
      ...(store.reason !== undefined && { reason: store.reason }),
      ...(store.isUp && store.latencyMs !== undefined && { latencyMs: Math.round(store.latencyMs * 100) / 100 }),
    };
    return { reason: node?.reason, details: { ...node?.details, ...(postgres && { postgres }) } };
  };
}
