import { GatewayError } from "../kernel/errors.ts";
import type { AwayPolicy } from "../stream/registered-stream.ts";
import type { Caller, Caps, OnAbort, Scope, Team, UpstreamKeys } from "./caller.ts";

/** A gateway key as stored, without its secrets. Times are wall-clock milliseconds. */
export interface GatewayKey {
  readonly id: string;
  /** Its caller's name: unique among keys that are not revoked. */
  readonly caller: string;
  readonly scopes: readonly Scope[];
  /** Undefined: all. */
  readonly models?: readonly string[] | undefined;
  readonly routes?: readonly string[] | undefined;
  readonly caps: Caps;
  /** With its current caps. */
  readonly team?: Team | undefined;
  readonly away?: AwayPolicy | undefined;
  readonly onAbort: OnAbort;
  readonly upstreamKeys: UpstreamKeys;
  readonly createdAt: number;
  readonly expiresAt?: number | undefined;
  readonly revokedAt?: number | undefined;
  /** One; or two, while the one before a rotation still works. */
  readonly secrets: readonly KeySecret[];
}

/** A secret as stored: its digest. */
export interface KeySecret {
  /** The SHA-256 of the secret, in hexadecimal. */
  readonly sha256: string;
  /** When it stops working, in wall-clock milliseconds; undefined: with its key. */
  readonly until?: number | undefined;
}

/** Names of callers without a key. */
export const RESERVED_CALLERS: readonly string[] = ["local", "token"];

/** The id of a secret: the start of its digest. It identifies the secret but proves nothing. */
export const secretIdOf = (sha256: string): string => sha256.slice(0, 16);

/** All gateway keys in memory, as last read from the store. Never waits. */
export class KeyRing {
  readonly #wall: () => number;
  readonly #keys = new Map<string, GatewayKey>();
  readonly #bySecret = new Map<string, { readonly key: GatewayKey; readonly secret: KeySecret }>();
  #nextEnd = Number.POSITIVE_INFINITY;

  constructor(wall: () => number) {
    this.#wall = wall;
  }

  /** Whether any key was ever created: revoking the last one must not open the gateway to everyone again. */
  get any(): boolean {
    return this.#keys.size > 0;
  }

  /** Replaces all keys by those now in the store. */
  replace(keys: readonly GatewayKey[]): void {
    this.#keys.clear();
    this.#bySecret.clear();
    for (const key of keys) {
      this.#keys.set(key.id, key);
      for (const secret of key.secrets) this.#bySecret.set(secretIdOf(secret.sha256), { key, secret });
    }
    this.#nextEnd = this.#findNextEnd();
  }

  /** The expected digest and the key of a secret, by its id; undefined if it is unknown. */
  find(secretId: string): { readonly sha256: string; readonly keyId: string } | undefined {
    const found = this.#bySecret.get(secretId);
    return found && { sha256: found.secret.sha256, keyId: found.key.id };
  }

  /** A key's caller, with its current grant. Throws `unauthorized` if the key or the secret no longer works. */
  caller(keyId: string, secretId: string | undefined): Caller {
    const key = this.#keys.get(keyId);
    if (!key) throw new GatewayError("unauthorized", "the key no longer exists");
    this.#checkKey(key);
    if (secretId !== undefined) this.#checkSecret(key, secretId);
    const { id, caller: name, scopes, models, routes, caps, team, away, onAbort, upstreamKeys } = key;
    return {
      name,
      grant: {
        keyId: id,
        secretId,
        scopes: new Set(scopes),
        models: models && new Set(models),
        routes: routes && new Set(routes),
        caps,
        team,
        away,
        onAbort,
        upstreamKeys,
      },
    };
  }

  /** Whether the caller's key still works, with any of its secrets. True for callers without a key. */
  isGood({ grant }: Caller): boolean {
    if (!grant) return true;
    const key = this.#keys.get(grant.keyId);
    return key !== undefined && key.revokedAt === undefined && !this.#isOver(key.expiresAt);
  }

  /** Whether a key or secret has expired since the last call or the last `replace`. */
  lapsed(): boolean {
    if (this.#wall() < this.#nextEnd) return false;
    this.#nextEnd = this.#findNextEnd();
    return true;
  }

  #checkKey({ revokedAt, expiresAt }: GatewayKey): void {
    if (revokedAt !== undefined) throw new GatewayError("unauthorized", "the key was revoked");
    if (this.#isOver(expiresAt)) throw new GatewayError("unauthorized", "the key has expired");
  }

  #checkSecret({ id }: GatewayKey, secretId: string): void {
    const found = this.#bySecret.get(secretId);
    if (found?.key.id !== id || this.#isOver(found.secret.until)) {
      throw new GatewayError("unauthorized", "the key was rotated, and this is its old secret");
    }
  }

  #isOver(end: number | undefined): boolean {
    return end !== undefined && this.#wall() >= end;
  }

  #findNextEnd(): number {
    const now = this.#wall();
    const ends = [...this.#keys.values()].flatMap(({ expiresAt, secrets }) => [
      expiresAt,
      ...secrets.map(({ until }) => until),
    ]);
    return Math.min(...ends.filter((end) => end !== undefined && end > now).map(Number), Number.POSITIVE_INFINITY);
  }
}
