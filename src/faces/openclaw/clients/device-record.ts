import * as z from "zod";
import type { ConnectParams } from "../../../../protocol/openclaw/frames.ts";
import type { JsonValue } from "../../../core/kernel/json.ts";

/** Characters of a name that a client gave; the rest is cut. */
const MAX_NAME = 100;

const name = z.string().max(MAX_NAME);
const wallMs = z.number();

/** The form in which a device is stored. */
const DeviceRecord = z.object({
  deviceId: name,
  publicKey: z.string(),
  /** OpenClaw's scopes that its token may be used for, at most. */
  scopes: z.array(name),
  clientId: name,
  clientMode: name,
  platform: name,
  deviceFamily: name.optional(),
  displayName: name.optional(),
  /** The name that an operator gave it. */
  operatorLabel: name.optional(),
  /** The credential that its token came from: a key's secret, or the shared token if there is no key. */
  keyId: z.string().optional(),
  secretId: z.string().optional(),
  /** Makes a token differ from the last one of the same device and credential. */
  salt: z.string(),
  /** The start of the token's SHA-256, by which it is found. */
  tokenId: z.string(),
  /** The token's digest, keyed by its credential. */
  seal: z.string(),
  createdAtMs: wallMs,
  rotatedAtMs: wallMs.optional(),
  revokedAtMs: wallMs.optional(),
  lastUsedAtMs: wallMs,
});

/** A device that signed in, with the digest of its token. At most about 3 KiB. */
export type DeviceRecord = z.infer<typeof DeviceRecord>;

/** Reads a stored device; undefined for one that this version does not understand. */
export const readDevice = (value: JsonValue): DeviceRecord | undefined => DeviceRecord.safeParse(value).data;

/** What a device record keeps about a client, cut to size. */
export const describeClient = ({ id, mode, platform, deviceFamily, displayName }: ConnectParams["client"]) => ({
  clientId: cut(id),
  clientMode: cut(mode),
  platform: cut(platform),
  ...(deviceFamily !== undefined && { deviceFamily: cut(deviceFamily) }),
  ...(displayName !== undefined && { displayName: cut(displayName) }),
});

const cut = (text: string): string => text.slice(0, MAX_NAME);
