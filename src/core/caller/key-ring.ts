import { GatewayError } from "../kernel/errors.ts";
import type { AwayPolicy } from "../stream/registry.ts";
import type { Caller, Caps, OnAbort, Scope, UpstreamKeys } from "./caller.ts";

/** A gateway key as it is stored: all about it but its secret. Times are wall-clock milliseconds. */
export interface GatewayKey {
  readonly id: string;
  /** The name of its caller, which no other key has that is not revoked. */
  readonly caller: string;
  readonly scopes: readonly Scope[];
  /** Undefined: all. */
  readonly models?: readonly string[] | undefined;
  readonly routes?: readonly string[] | undefined;
  readonly caps: Caps;
  readonly away?: AwayPolicy | undefined;
  readonly onAbort: OnAbort;
  readonly upstreamKeys: UpstreamKeys;
  readonly createdAt: number;
  readonly expiresAt?: number | undefined;
  readonly revokedAt?: number | undefined;
  /** One; two while the one before a rotation still works. */
  readonly secrets: readonly KeySecret[];
}

export interface KeySecret {
  /** Of the whole secret, in hexadecimal. */
  readonly sha256: string;
  /** When it stops working; undefined: with its key. */
  readonly until?: number | undefined;
}

/** Names that belong to callers without a key. */
export const RESERVED_CALLERS: readonly string[] = ["local", "token"];

/** Which secret is meant, by the beginning of its digest: it finds the key, and proves nothing. */
export const secretIdOf = (sha256: string): string => sha256.slice(0, 16);

/** All gateway keys in memory, as the store had them last. Nothing here waits. */
export class KeyRing {
  readonly #wall: () => number;
  readonly #keys = new Map<string, GatewayKey>();
  readonly #bySecret = new Map<string, { readonly key: GatewayKey; readonly secret: KeySecret }>();
  #nextEnd = Number.POSITIVE_INFINITY;

  constructor(wall: () => number) {
    this.#wall = wall;
  }

  /** Whether a key was ever made. Revoking the last one must not open the gateway to everybody again. */
  get any(): boolean {
    return this.#keys.size > 0;
  }

  replace(keys: readonly GatewayKey[]): void {
    this.#keys.clear();
    this.#bySecret.clear();
    for (const key of keys) {
      this.#keys.set(key.id, key);
      for (const secret of key.secrets) this.#bySecret.set(secretIdOf(secret.sha256), { key, secret });
    }
    this.#nextEnd = this.#findNextEnd();
  }

  /** The digest the secret with this id must have, and the caller it stands for; undefined for an unknown one. */
  find(secretId: string): { readonly sha256: string; readonly keyId: string } | undefined {
    const found = this.#bySecret.get(secretId);
    return found && { sha256: found.secret.sha256, keyId: found.key.id };
  }

  /** The caller of a key with what it grants now. Throws `unauthorized` when key or secret work no more. */
  caller(keyId: string, secretId: string | undefined): Caller {
    const key = this.#keys.get(keyId);
    if (!key) throw new GatewayError("unauthorized", "the key is gone");
    this.#checkKey(key);
    if (secretId !== undefined) this.#checkSecret(key, secretId);
    const { id, caller: name, scopes, models, routes, caps, away, onAbort, upstreamKeys } = key;
    return {
      name,
      grant: {
        keyId: id,
        secretId,
        scopes: new Set(scopes),
        models: models && new Set(models),
        routes: routes && new Set(routes),
        caps,
        away,
        onAbort,
        upstreamKeys,
      },
    };
  }

  /** Whether the caller's key works, whichever of its secrets was shown. Callers without a key are not asked about. */
  isGood({ grant }: Caller): boolean {
    if (!grant) return true;
    const key = this.#keys.get(grant.keyId);
    return key !== undefined && key.revokedAt === undefined && !this.#isOver(key.expiresAt);
  }

  /** Whether since the last call, or the last replacement, a key or a secret came to its end. */
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
      throw new GatewayError("unauthorized", "the key was rotated, this secret is its old one");
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
