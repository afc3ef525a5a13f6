import { createHash, createHmac, randomBytes } from "node:crypto";

/** Distinguishes a device token from every other secret. */
const PREFIX = "sluicedevice_";

/** The only role of a device here. */
export const DEVICE_ROLE = "operator";

/**
 * The token that a credential gives a device. Derived, so that a device that signs in with its credential again gets the
 * same token and its other tabs keep theirs, although no token is stored.
 */
export function deriveToken(secret: string, salt: string, deviceId: string): string {
  const text = ["device token", salt, deviceId, DEVICE_ROLE].join("|");
  return `${PREFIX}${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** A token of 256 random bits. */
export const randomToken = (): string => `${PREFIX}${randomBytes(32).toString("base64url")}`;

/** Whether a secret has the form of a device token. */
export const isDeviceToken = (secret: string): boolean => secret.startsWith(PREFIX);

/** The start of a token's SHA-256: it identifies the token but proves nothing. */
export const tokenIdOf = (token: string): string => createHash("sha256").update(token).digest("hex").slice(0, 16);
