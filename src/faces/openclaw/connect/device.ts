import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import type { ConnectParams } from "../../../../protocol/openclaw/frames.ts";

/** Why a device's identity is refused, in OpenClaw's words; `code` is sent as `details.code`. */
export interface DeviceFault {
  readonly code: string;
  readonly message: string;
}

/** The clock skew allowed to clients, as in the real gateway. */
const SKEW_MS = 120_000;

/** The bytes before the 32 of an Ed25519 key in SPKI form (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/**
 * Checks a device's signature over the challenge's nonce, the claimed scopes and the token, which keep it from being used
 * elsewhere. Undefined if there is no device or it is in order. `wallMs` is now.
 */
export function deviceFault(params: ConnectParams, nonce: string, wallMs: number): DeviceFault | undefined {
  const { device } = params;
  if (!device) return undefined;
  const key = readPublicKey(device.publicKey);
  if (!key) return fault("PUBLIC_KEY_INVALID", "device public key invalid");
  if (device.id !== deviceIdOf(key)) return fault("DEVICE_ID_MISMATCH", "device identity mismatch");
  if (Math.abs(wallMs - device.signedAt) > SKEW_MS) return fault("SIGNATURE_EXPIRED", "device signature expired");
  if (device.nonce === "") return fault("NONCE_REQUIRED", "device nonce required");
  if (device.nonce !== nonce) return fault("NONCE_MISMATCH", "device nonce mismatch");
  const signature = Buffer.from(device.signature, "base64url");
  const isSigned = signedTexts(params, device).some((text) => verify(null, Buffer.from(text), key, signature));
  return isSigned ? undefined : fault("SIGNATURE_INVALID", "device signature invalid");
}

const fault = (code: string, message: string): DeviceFault => ({ code: `DEVICE_AUTH_${code}`, message });

/** The texts that clients sign: current ones version 3, older ones version 2. */
function signedTexts(params: ConnectParams, device: NonNullable<ConnectParams["device"]>): readonly string[] {
  const { client, role = "operator", scopes = [], auth } = params;
  const token = auth?.token ?? auth?.deviceToken ?? auth?.bootstrapToken ?? "";
  const fields = [device.id, client.id, client.mode, role, scopes.join(","), device.signedAt, token, device.nonce];
  const about = [client.platform, client.deviceFamily].map(plain);
  return [["v3", ...fields, ...about].join("|"), ["v2", ...fields].join("|")];
}

/** Trimmed, with only A to Z in lower case. */
const plain = (text = ""): string => text.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** Reads base64url or base64 of the 32 bytes, or PEM. */
function readPublicKey(text: string): KeyObject | undefined {
  try {
    const raw = Buffer.from(text, "base64url");
    const key = text.includes("BEGIN")
      ? createPublicKey(text)
      : createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" });
    return key.asymmetricKeyType === "ed25519" ? key : undefined;
  } catch {
    return undefined;
  }
}

/** The gateway's own identity, for `gateway.identity.get`. Each start makes a new one. */
export function createIdentity(): { readonly deviceId: string; readonly publicKey: string } {
  const { publicKey } = generateKeyPairSync("ed25519");
  return { deviceId: deviceIdOf(publicKey), publicKey: rawKey(publicKey).toString("base64url") };
}

const rawKey = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" }).subarray(SPKI_PREFIX.length);

const deviceIdOf = (key: KeyObject): string => createHash("sha256").update(rawKey(key)).digest("hex");
