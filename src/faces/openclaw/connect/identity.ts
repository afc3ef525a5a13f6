import { createHash, generateKeyPairSync } from "node:crypto";
import type { Caller } from "../../../core/caller/caller.ts";

/** Bytes before the key itself in an Ed25519 key of form SPKI (RFC 8410). */
const SPKI_PREFIX_BYTES = 12;

/**
 * Under what a browser keeps what it could not send yet, attachments above all: only the same caller finds it again. The
 * Control UI sends no attachment without it.
 */
export const recoveryScopeOf = (caller: Caller): string =>
  createHash("sha256").update(`sluice ${caller.name}`).digest("base64url");

/** The identity clients may ask for, in OpenClaw's form. It is this process's: a restart makes a new one. */
export function createIdentity(): { readonly deviceId: string; readonly publicKey: string } {
  const { publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(SPKI_PREFIX_BYTES);
  return { deviceId: createHash("sha256").update(raw).digest("hex"), publicKey: raw.toString("base64url") };
}
