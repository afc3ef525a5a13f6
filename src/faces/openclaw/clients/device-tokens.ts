import { randomBytes, timingSafeEqual } from "node:crypto";
import type { ConnectParams } from "../../../../protocol/openclaw/frames.ts";
import type { Caller } from "../../../core/caller/caller.ts";
import type { Credentials } from "../../../core/ports/credentials.ts";
import type { Documents } from "../../../core/ports/documents.ts";
import { type DeviceRecord, describeClient, readDevice } from "./device-record.ts";
import { deriveToken, isDeviceToken, randomToken, tokenIdOf } from "./device-token.ts";
import { DurableMap } from "./durable-map.ts";
import { coversAll } from "./granted-scopes.ts";

/** What device tokens depend on. */
export interface DeviceTokensParts {
  readonly documents: Documents;
  readonly credentials: Credentials;
  /** Wall-clock time in milliseconds. */
  readonly now: () => number;
  /** Reports a write that failed. */
  readonly fault: (error: unknown) => void;
  /** Called when another process has revoked a device's token, or removed the device. */
  readonly ended?: (deviceId: string) => void;
}

/** A device whose signature is in order, and what it signed in with. */
export interface SignedDevice {
  readonly device: NonNullable<ConnectParams["device"]>;
  readonly client: ConnectParams["client"];
  readonly caller: Caller;
  readonly scopes: readonly string[];
  /** The shared token or the key's secret. Used for the token, never stored. */
  readonly secret: string;
}

/** A device token. `issuedAtMs`: wall clock. */
export interface IssuedToken {
  readonly token: string;
  readonly issuedAtMs: number;
}

/** Devices remembered, of one credential and of all: 3 MiB at most. The one unused for longest goes first. */
const MAX_DEVICES_EACH = 100;
const MAX_DEVICES = 1_000;

/** A token unused for this long no longer works: 90 days. The real gateway's never expire. */
const UNUSED_MS = 90 * 24 * 60 * 60 * 1_000;

/** How exactly the last use is stored: a client that reconnects all the time must not keep the disk busy. */
const USE_STEP_MS = 60_000;

/**
 * The devices that signed in, and their tokens, with which they sign in again. A token has at most the rights of the
 * shared token or key it came from, as they are now, and stops working together with it. Only digests are stored.
 */
export class DeviceTokens {
  readonly #parts: DeviceTokensParts;
  /** By device id. */
  readonly #devices: DurableMap<DeviceRecord>;
  /** Device ids by token id. */
  readonly #byToken: Map<string, string>;

  private constructor(parts: DeviceTokensParts, devices: DurableMap<DeviceRecord>, byToken: Map<string, string>) {
    this.#parts = parts;
    this.#devices = devices;
    this.#byToken = byToken;
    for (const [deviceId, { tokenId }] of devices.entries()) this.#byToken.set(tokenId, deviceId);
    this.#forgetUnused();
  }

  /** Loads the devices. Rejects with `store_unavailable`. */
  static async load(parts: DeviceTokensParts): Promise<DeviceTokens> {
    const byToken = new Map<string, string>();
    const changed = (id: string, before: DeviceRecord | undefined, after: DeviceRecord | undefined) => {
      if (before) byToken.delete(before.tokenId);
      if (after) byToken.set(after.tokenId, after.deviceId);
      const isOver = after === undefined || after.revokedAtMs !== undefined;
      if (before && before.revokedAtMs === undefined && isOver) parts.ended?.(id);
    };
    const { documents, fault } = parts;
    const devices = await DurableMap.load({ documents, fault, kind: "device", read: readDevice, changed });
    return new DeviceTokens(parts, devices, byToken);
  }

  /** The devices that can sign in with their token, or could before it was revoked. */
  list(): readonly DeviceRecord[] {
    this.#forgetUnused();
    return this.#all().filter((device) => this.#callerOf(device));
  }

  get(deviceId: string): DeviceRecord | undefined {
    return this.#devices.get(deviceId);
  }

  /** The device and caller of a token; undefined if it is not, or no longer, valid. */
  find(token: string): { readonly device: DeviceRecord; readonly caller: Caller } | undefined {
    if (!isDeviceToken(token)) return undefined;
    const device = this.#devices.get(this.#byToken.get(tokenIdOf(token)) ?? "");
    if (!device || device.revokedAtMs !== undefined || this.#isUnused(device)) return undefined;
    const caller = this.#callerOf(device);
    return caller && this.#isSealed(device, caller, token) ? { device, caller } : undefined;
  }

  /** Remembers that a device's token was used now, by this client. */
  used(device: DeviceRecord, client: ConnectParams["client"]): void {
    this.#saveUse({ ...device, ...describeClient(client) });
  }

  /**
   * The token of a device that signed in with a credential: the same one each time, or a new one if it was revoked, came
   * from another credential, or covers too few scopes. Undefined for a caller without a credential.
   */
  issue(signed: SignedDevice): IssuedToken | undefined {
    const { device, caller, secret } = signed;
    const existing = this.#devices.get(device.id);
    if (existing && existing.revokedAtMs === undefined && coversAll(existing.scopes, signed.scopes)) {
      const token = deriveToken(secret, existing.salt, device.id);
      if (this.#isSealed(existing, caller, token)) {
        this.#saveUse({ ...existing, ...describeClient(signed.client) });
        return { token, issuedAtMs: issuedAt(existing) };
      }
    }
    const salt = randomBytes(16).toString("base64url");
    const token = deriveToken(secret, salt, device.id);
    const seal = this.#parts.credentials.seal(caller, token);
    if (seal === undefined) return undefined;
    const now = this.#parts.now();
    const { createdAtMs = now, operatorLabel } = existing ?? {};
    const { keyId, secretId } = caller.grant ?? {};
    if (!existing) this.#makeRoom(keyId);
    this.#save({
      ...{ deviceId: device.id, publicKey: device.publicKey, scopes: [...signed.scopes] },
      ...describeClient(signed.client),
      ...(operatorLabel !== undefined && { operatorLabel }),
      ...(keyId !== undefined && { keyId }),
      ...(secretId !== undefined && { secretId }),
      ...{ salt, tokenId: tokenIdOf(token), seal, createdAtMs, lastUsedAtMs: now },
      ...(existing && { rotatedAtMs: now }),
    });
    return { token, issuedAtMs: now };
  }

  /** Replaces a device's token by a new one with these scopes. Undefined if its credential no longer works. */
  rotate(device: DeviceRecord, scopes: readonly string[]): IssuedToken | undefined {
    const caller = this.#callerOf(device);
    const token = randomToken();
    const seal = caller && this.#parts.credentials.seal(caller, token);
    if (seal === undefined) return undefined;
    const now = this.#parts.now();
    const { revokedAtMs: _, ...kept } = device;
    this.#save({ ...kept, scopes: [...scopes], tokenId: tokenIdOf(token), seal, rotatedAtMs: now });
    return { token, issuedAtMs: now };
  }

  /** Ends a device's token. Returns when, in wall-clock milliseconds. */
  revoke(device: DeviceRecord): number {
    const revokedAtMs = this.#parts.now();
    this.#save({ ...device, revokedAtMs });
    return revokedAtMs;
  }

  rename(device: DeviceRecord, label: string): void {
    this.#save({ ...device, operatorLabel: label });
  }

  remove({ deviceId, tokenId }: DeviceRecord): void {
    this.#byToken.delete(tokenId);
    this.#devices.delete(deviceId);
  }

  /** Resolves when all changes so far are stored or reported as failed. */
  close(): Promise<void> {
    return this.#devices.close();
  }

  #callerOf(device: DeviceRecord): Caller | undefined {
    try {
      return this.#parts.credentials.recall(device);
    } catch {
      return undefined;
    }
  }

  #isSealed({ seal }: DeviceRecord, caller: Caller, token: string): boolean {
    const given = Buffer.from(this.#parts.credentials.seal(caller, token) ?? "");
    const expected = Buffer.from(seal);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #saveUse(device: DeviceRecord): void {
    const now = this.#parts.now();
    if (now - device.lastUsedAtMs >= USE_STEP_MS) this.#save({ ...device, lastUsedAtMs: now });
  }

  #save(device: DeviceRecord): void {
    const { tokenId } = this.#devices.get(device.deviceId) ?? device;
    this.#byToken.delete(tokenId);
    this.#byToken.set(device.tokenId, device.deviceId);
    this.#devices.set(device.deviceId, device);
  }

  #isUnused({ lastUsedAtMs }: DeviceRecord): boolean {
    return this.#parts.now() - lastUsedAtMs >= UNUSED_MS;
  }

  #forgetUnused(): void {
    for (const device of this.#all()) if (this.#isUnused(device)) this.remove(device);
  }

  #all(): DeviceRecord[] {
    return [...this.#devices.entries()].map(([, device]) => device);
  }

  #makeRoom(keyId: string | undefined): void {
    this.#forgetUnused();
    const all = this.#all();
    const own = all.filter((device) => device.keyId === keyId);
    const crowd = own.length >= MAX_DEVICES_EACH ? own : all.length >= MAX_DEVICES ? all : [];
    const [idlest] = crowd.sort((a, b) => a.lastUsedAtMs - b.lastUsedAtMs);
    if (idlest) this.remove(idlest);
  }
}

/** When a device's token was issued, in wall-clock milliseconds. */
export const issuedAt = ({ rotatedAtMs, createdAtMs }: DeviceRecord): number => rotatedAtMs ?? createdAtMs;
