import type { Team } from "../../core/caller/caller.ts";
import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

/** The gateway keys, for the commands that change them. */
export interface KeyStore {
  /** All keys, oldest first, including revoked ones. */
  list(): readonly GatewayKey[] | Promise<readonly GatewayKey[]>;
  /** Adds a key. Throws or rejects with `bad_request` when its caller has one that is not revoked, or its team is not there. */
  add(key: GatewayKey): void | Promise<void>;
  /**
   * Changes the key with this id, or this caller's unrevoked key, and returns the new version. Throws or rejects with
   * `bad_request` when there is none, or no such team as it gets.
   */
  change(idOrCaller: string, change: (key: GatewayKey) => GatewayKey): GatewayKey | Promise<GatewayKey>;
  /** All teams, by name. */
  teams(): readonly Team[] | Promise<readonly Team[]>;
  /** Adds or changes the team of this name, from what there is of it, and returns it. Throws or rejects with what `change` throws. */
  changeTeam(name: string, change: TeamChange): Team | Promise<Team>;
  /**
   * Removes a team and returns the keys that were in it, without a team now. Throws or rejects with `bad_request` when there is
   * none, or when unrevoked keys are in it and `mayLeave` is false.
   */
  removeTeam(name: string, mayLeave: boolean): readonly GatewayKey[] | Promise<readonly GatewayKey[]>;
  close(): void | Promise<void>;
}

/** What becomes of a team; undefined: there is none yet. */
export type TeamChange = (team: Team | undefined) => Team;

/** The error when there is no team of this name. */
export const noTeam = (name: string): GatewayError =>
  new GatewayError("bad_request", `there is no team ${name}; sluice teams list shows all`);

/** The error when a team is to be removed that keys are still in. */
export const hasKeys = (name: string, callers: readonly string[]): GatewayError =>
  new GatewayError(
    "bad_request",
    `the keys of ${callers.join(", ")} are in team ${name}; --keep-keys deletes it and leaves them without a team`,
  );

/** The error when a caller has an unrevoked key. */
export const hasKey = (caller: string): GatewayError =>
  new GatewayError("bad_request", `${caller} already has a key; rotate or revoke it`);

/** The error when no key has this id, and no caller of this name an unrevoked one. */
export const noKey = (idOrCaller: string): GatewayError =>
  new GatewayError("bad_request", `there is no key ${idOrCaller}; sluice keys list shows all`);
