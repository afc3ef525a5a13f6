import type { Team } from "../../core/caller/caller.ts";
import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

/** The gateway keys, for the commands that change them. */
export interface KeyStore {
  /** All keys, oldest first, including revoked ones. */
  list(): readonly GatewayKey[] | Promise<readonly GatewayKey[]>;
  /** Adds a key. Throws or rejects with `bad_request` when its caller already has one that is not revoked, or without its team. */
  add(key: GatewayKey): void | Promise<void>;
  /**
   * Changes the key with this id, or this caller's unrevoked key, and returns the new version. Throws or rejects with
   * `bad_request` when there is none.
   */
  change(idOrCaller: string, change: (key: GatewayKey) => GatewayKey): GatewayKey | Promise<GatewayKey>;
  /** All teams, by name. */
  teams(): readonly Team[] | Promise<readonly Team[]>;
  /**
   * Adds, changes or removes (undefined) the team of this name, from what there is of it, and returns what is there then. Throws
   * or rejects with what `change` throws, or with `bad_request` when it is to be removed while a key works for it.
   */
  changeTeam(name: string, change: TeamChange): Team | undefined | Promise<Team | undefined>;
  close(): void | Promise<void>;
}

/** What becomes of a team; undefined: there is none. */
export type TeamChange = (team: Team | undefined) => Team | undefined;

/** The keys with the current caps of their teams. */
export function withTeams(keys: readonly GatewayKey[], teams: readonly Team[]): readonly GatewayKey[] {
  const byName = new Map(teams.map((team) => [team.name, team]));
  return keys.map((key) => (key.team ? { ...key, team: byName.get(key.team.name) ?? key.team } : key));
}

/** The error when a key names a team that is not there. */
export const noTeam = (name: string): GatewayError =>
  new GatewayError("bad_request", `there is no team ${name}; sluice teams list shows all`);

/** The error when a team is to be removed that a key still works for. */
export const hasKeys = (name: string, callers: readonly string[]): GatewayError =>
  new GatewayError("bad_request", `team ${name} has keys: revoke those of ${callers.join(", ")} first`);

/** The callers whose unrevoked keys are in a team. */
export const callersIn = (keys: readonly GatewayKey[], name: string): readonly string[] =>
  keys.filter(({ team, revokedAt }) => team?.name === name && revokedAt === undefined).map(({ caller }) => caller);

/** The error when a caller has an unrevoked key. */
export const hasKey = (caller: string): GatewayError =>
  new GatewayError("bad_request", `${caller} already has a key; rotate or revoke it`);

/** The error when no key has this id, and no caller of this name an unrevoked one. */
export const noKey = (idOrCaller: string): GatewayError =>
  new GatewayError("bad_request", `there is no key ${idOrCaller}; sluice keys list shows all`);
