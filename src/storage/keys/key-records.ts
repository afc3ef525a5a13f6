import type { Team } from "../../core/caller/caller.ts";
import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { hasKeys, noTeam } from "./key-store.ts";

/** A key as it is stored: with its team's name, because the team's caps are its own. */
type KeyRecord = Omit<GatewayKey, "team"> & { readonly team?: string | undefined };

/** What is stored of a key. */
export const recordOf = ({ team, ...key }: GatewayKey): KeyRecord => ({ ...key, ...(team && { team: team.name }) });

/** The key of a record, with its team as it is now. */
export function keyOf({ team: name, ...key }: KeyRecord, teams: readonly Team[]): GatewayKey {
  if (name === undefined) return key;
  return { ...key, team: teams.find((team) => team.name === name) ?? { name, caps: {} } };
}

/** Throws `bad_request` if the key's team is not there. */
export function checkTeam({ team }: GatewayKey, teams: readonly Team[]): void {
  if (team && !teams.some(({ name }) => name === team.name)) throw noTeam(team.name);
}

/**
 * What becomes of a team's keys when it is removed: they are in none. Throws `bad_request` if there is no such team, or if
 * unrevoked keys are in it and may not stay without one.
 */
export function keysWithout(
  name: string,
  teams: readonly Team[],
  keys: readonly GatewayKey[],
  mayLeave: boolean,
): readonly GatewayKey[] {
  if (!teams.some((team) => team.name === name)) throw noTeam(name);
  const inIt = keys.filter(({ team }) => team?.name === name);
  const callers = inIt.filter(({ revokedAt }) => revokedAt === undefined).map(({ caller }) => caller);
  if (callers.length > 0 && !mayLeave) throw hasKeys(name, callers);
  return inIt.map(({ team: _, ...key }) => key);
}
