import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

/** The gateway keys, for the commands that change them. */
export interface KeyStore {
  /** All keys, oldest first, including revoked ones. */
  list(): readonly GatewayKey[] | Promise<readonly GatewayKey[]>;
  /** Adds a key. Throws or rejects with `bad_request` when its caller already has one that is not revoked. */
  add(key: GatewayKey): void | Promise<void>;
  /**
   * Changes the key with this id, or this caller's unrevoked key, and returns the new version. Throws or rejects with
   * `bad_request` when there is none.
   */
  change(idOrCaller: string, change: (key: GatewayKey) => GatewayKey): GatewayKey | Promise<GatewayKey>;
  close(): void | Promise<void>;
}

/** The error when a caller has an unrevoked key. */
export const hasKey = (caller: string): GatewayError =>
  new GatewayError("bad_request", `${caller} already has a key; rotate or revoke it`);

/** The error when no key has this id, and no caller of this name an unrevoked one. */
export const noKey = (idOrCaller: string): GatewayError =>
  new GatewayError("bad_request", `there is no key ${idOrCaller}; sluice keys list shows all`);
