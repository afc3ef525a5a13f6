import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";

/** A device as OpenClaw's clients store it: an Ed25519 key pair in PEM, and the id derived from it. */
export function newDevice() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const publicKeyPem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const privateKeyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const raw = Buffer.from(rawPublicKey(publicKeyPem), "base64url");
  return { deviceId: createHash("sha256").update(raw).digest("hex"), publicKeyPem, privateKeyPem };
}

export const signText = (privateKeyPem: string, text: string): string =>
  sign(null, Buffer.from(text), createPrivateKey(privateKeyPem)).toString("base64url");

/** The 32 bytes of a key, as clients send them. */
export const rawPublicKey = (publicKeyPem: string): string =>
  createPublicKey(publicKeyPem).export({ type: "spki", format: "der" }).subarray(-32).toString("base64url");

export type Device = ReturnType<typeof newDevice>;

/** The `device` of a connect frame, with a signature over the form version 3 by our own hand. */
export function signedDevice(
  { deviceId, publicKeyPem, privateKeyPem }: Device,
  facts: {
    readonly client: { readonly id: string; readonly mode: string; readonly platform: string };
    readonly scopes: readonly string[];
    readonly token: string;
    /** The challenge's. */
    readonly nonce: string;
    readonly signedAt: number;
  },
) {
  const { client, scopes, token, nonce, signedAt } = facts;
  const signed = [deviceId, client.id, client.mode, "operator", scopes.join(","), signedAt, token, nonce];
  const text = ["v3", ...signed, client.platform, ""].join("|");
  const signature = signText(privateKeyPem, text);
  return { id: deviceId, publicKey: rawPublicKey(publicKeyPem), signature, signedAt, nonce };
}
