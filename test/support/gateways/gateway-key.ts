import { createHash } from "node:crypto";
import { type GatewayKey, secretIdOf } from "../../../src/core/caller/key-ring.ts";
import { writeSecret } from "../../../src/core/caller/key-secret.ts";

let made = 0;

/** A fresh, unique secret. */
export const freshSecret = (): string => writeSecret(createHash("sha256").update(`secret ${++made}`).digest());

export const sha256Of = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/** The digest under which a key ring finds a secret. */
export const idOfSecret = (secret: string): string => secretIdOf(sha256Of(secret));

/** A key with default permissions. */
export const keyFor = (caller: string, secret: string, more: Partial<GatewayKey> = {}): GatewayKey => ({
  id: `key_${caller}`,
  caller,
  scopes: ["chat", "streams"],
  caps: {},
  onAbort: "cancel",
  upstreamKeys: "managed",
  createdAt: 0,
  secrets: [{ sha256: sha256Of(secret) }],
  ...more,
});
