import { randomUUID } from "node:crypto";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { LeadOptions, Transcripts } from "../../core/ports/transcripts.ts";

/** The kind of the one document that names the lead whose writes count. */
export const LEAD_KIND = "lead";

/** What only the lead may do. */
export type Write = "saveSession" | "deleteSession" | "append" | "clear" | "saveDocument" | "deleteDocument";

/** Which lead counts, as a store keeps it. Both reject with `store_unavailable`. */
export interface LeadRecord {
  /** The lead that counts; undefined before the first. */
  lead(): Promise<string | undefined>;
  /** Makes `next` the lead that counts if `before` is. False if it is not: another has come between. */
  succeed(before: string | undefined, next: string): Promise<boolean>;
}

/** Makes a new lead the one that counts, and resolves with its name; with undefined if `leads` says that it should not. */
export async function takeLead(record: LeadRecord, leads: () => Promise<boolean>): Promise<string | undefined> {
  const own = randomUUID();
  for (;;) {
    const before = await record.lead();
    // An earlier attempt may have taken effect.
    if (before === own) return own;
    // After the record was read: whoever has led since has changed it, however long this process stood still.
    if (!(await leads())) return undefined;
    if (await record.succeed(before, own)) return own;
  }
}

/** Tells of a write of an earlier lead that was refused, and why. */
export function refused({ lost }: Pick<LeadOptions, "lost">): GatewayError {
  lost();
  return new GatewayError("cluster_unavailable", "another node serves conversations now: this was not stored");
}

/** The methods of a store that only the lead may use. */
export type Writes = Pick<Transcripts, Write>;
