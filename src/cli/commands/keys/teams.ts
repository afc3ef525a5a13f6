import { parseArgs } from "node:util";
import type { Caps, Team } from "../../../core/caller/caller.ts";
import type { GatewayKey } from "../../../core/caller/key-ring.ts";
import { type KeyStore, noTeam } from "../../../storage/keys/key-store.ts";
import type { Command } from "../../command.ts";
import { CAP_OPTIONS, readCapChange, readCaps } from "./cap-options.ts";
import { readTeam } from "./key-options.ts";
import { capsOf, inColumns } from "./key-view.ts";
import { type KeysWorld, openKeys } from "./open-keys.ts";
import { bad, json, runSubcommand, SHARED_OPTIONS, type Subcommands } from "./subcommands.ts";

const USAGE = `Usage: sluice teams create <team> [caps]       create a team: its keys have these caps together
       sluice teams list                       list the teams
       sluice teams show <team>                show one team
       sluice teams change <team> <caps>       change its caps; none removes one: --cost-per-day none
       sluice teams delete <team>              delete a team that has no keys

caps
  --tokens-per-day <n>         and --tokens-per-month, --cost-per-day, --cost-per-month,
                               --requests-per-minute, --tokens-per-minute, --concurrent-streams

delete
  --keep-keys                  delete it although it has keys, which are in no team then

all commands
  --json                       print JSON
  --config <path>              the configuration, which says where the teams are (SLUICE_CONFIG)
  --data <path>                the data directory; the configuration is then not read
  -h, --help                   print this help

A key is in at most one team: sluice keys create alice --team research, sluice keys change alice --team none.
A running gateway applies changes within two seconds.

Examples
  sluice teams create research --cost-per-month 500
  sluice teams change research --cost-per-month 800 --concurrent-streams 20
  sluice usage --by team --since 30d
`;

const OPTIONS = {
  ...CAP_OPTIONS,
  "keep-keys": { type: "boolean" },
  ...SHARED_OPTIONS,
} as const;

type Option = keyof typeof OPTIONS;
const parse = (args: readonly string[]) => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
type Values = ReturnType<typeof parse>["values"];

const CAPS = Object.keys(CAP_OPTIONS) as Option[];
const WORDS: Subcommands<Values>["words"] = {
  create: { names: 1, options: CAPS },
  list: { names: 0, options: [] },
  show: { names: 1, options: [] },
  change: { names: 1, options: CAPS },
  delete: { names: 1, options: ["keep-keys"] },
};

/** Runs `sluice teams …`. `args` are the arguments after `teams`. Resolves with the exit code; never rejects. */
export const runTeams = (args: readonly string[], world: KeysWorld): Promise<number> =>
  runSubcommand({ of: "teams", usage: USAGE, words: WORDS, parse, run }, args, world);

/** `sluice teams`. */
export const command: Command = { run: runTeams, options: OPTIONS, words: Object.keys(WORDS) };

async function run(word: string, name: string, values: Values, world: KeysWorld): Promise<void> {
  // Options are checked before anything is opened.
  const isChange = CAPS.some((cap) => values[cap] !== undefined);
  if (word === "change" && !isChange) throw bad("teams change takes caps; see sluice teams --help");
  const caps = word === "change" ? readCapChange(values) : readCaps(values);
  if (word === "create") readTeam(name);
  const { keys, announce } = await openKeys(values, world);
  const say = (text: string, value: unknown) => world.stdout.write(values.json ? json(value) : text);
  try {
    if (word === "delete") {
      const callers = callersOf(await keys.removeTeam(name, values["keep-keys"] === true));
      const left = callers.length > 0 ? `; in no team now: ${callers.join(", ")}` : "";
      say(`team ${name} is deleted${left}\n`, { name, callers });
    } else {
      if (word === "create" || word === "change") await keys.changeTeam(name, (old) => changed(name, old, caps, word));
      const teams = await viewsOf(keys);
      const wanted = word === "list" ? teams : teams.filter((team) => team.name === name);
      if (word === "show" && wanted.length === 0) throw noTeam(name);
      if (word === "list" && teams.length === 0 && !values.json)
        world.stderr.write("sluice: there are no teams; create one with sluice teams create\n");
      else say(tableOf(wanted), word === "list" ? wanted : wanted[0]);
    }
  } finally {
    await keys.close();
  }
  if (word !== "list" && word !== "show") await announce();
}

/** The team as it is to be. Throws `bad_request` if there is one already, or none yet. */
function changed(name: string, old: Team | undefined, caps: Caps, word: "create" | "change"): Team {
  if (word === "create" && old) throw bad(`there is a team ${name} already; sluice teams change changes it`);
  if (word === "change" && !old) throw noTeam(name);
  return { name, caps: { ...old?.caps, ...caps } };
}

/** A team as `--json` prints it. */
type TeamView = Team & { readonly callers: readonly string[] };

async function viewsOf(keys: KeyStore): Promise<readonly TeamView[]> {
  const all = await keys.list();
  const teams = await keys.teams();
  return teams.map((team) => ({ ...team, callers: callersOf(all.filter((key) => key.team?.name === team.name)) }));
}

const callersOf = (keys: readonly GatewayKey[]): readonly string[] =>
  keys.filter(({ revokedAt }) => revokedAt === undefined).map(({ caller }) => caller);

function tableOf(teams: readonly TeamView[]): string {
  const rows = teams.map(({ name, caps, callers }) => [name, callers.join(",") || "none", capsOf(caps) || "none"]);
  return inColumns([["team", "keys of", "caps"], ...rows]);
}
