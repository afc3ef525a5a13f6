import { setTimeout as wait } from "node:timers/promises";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { SearchResult, Whereabouts } from "./inquiries.ts";
import type { StoredStream } from "./stored-stream.ts";

/** How often the owner of a stream that is to be cancelled is looked for, and for how long, in milliseconds. */
const AGAIN_MS = 250;
const SOUGHT_MS = 10_000;

/** What cancelling needs of its node. */
export interface CancellingParts {
  readonly now: () => number;
  readonly isClosed: () => boolean;
  readonly read: (id: string) => Promise<StoredStream | undefined>;
  readonly seek: (id: string) => Promise<SearchResult>;
  /** Sends the request to the node that runs it. */
  readonly forward: (node: string) => void;
}

/** Ends a stream of another node, as `Elsewhere.cancel`; one that was opened while Redis was away is looked for on all nodes. */
export async function cancelElsewhere(
  id: string,
  isMeant: (caller: string) => boolean,
  parts: CancellingParts,
): Promise<boolean> {
  const asked = parts.now();
  for (;;) {
    const found = await locate(id, parts).catch(() => "unsure" as const);
    if (typeof found !== "string") {
      if (!isMeant(found.caller)) return false;
      parts.forward(found.node);
      return true;
    }
    if (found === "nobody") return false;
    if (parts.isClosed() || parts.now() - asked > SOUGHT_MS) throw new GatewayError("cluster_unavailable");
    await wait(AGAIN_MS, undefined, { ref: false });
  }
}

async function locate(
  id: string,
  { read, seek }: CancellingParts,
): Promise<Pick<Whereabouts, "node" | "caller"> | "nobody" | "unsure"> {
  const stored = await read(id);
  if (!stored) return seek(id);
  return stored.end === undefined ? { node: stored.owner, caller: stored.facts.caller } : "nobody";
}
