import { parseArgs } from "node:util";
import type { Caps, Team } from "../../core/caller/caller.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { KeyStore } from "../../storage/keys/key-store.ts";
import type { Command } from "../command.ts";
import { exitFor, OK } from "../exit-codes.ts";
import { CAP_OPTIONS, readCaps, readTeam } from "./key-options.ts";
import { capsOf } from "./key-view.ts";
import { type KeysWorld, openKeys } from "./open-keys.ts";

const USAGE = `Usage: sluice teams create <team> [caps]     create a team: keys in it have its caps together
       sluice teams list                     list teams, with the callers in each
       sluice teams change <team> [caps]     change its caps; none removes one: --cost-per-day none
       sluice teams delete <team>            delete a team that no unrevoked key is in

caps
  --tokens-per-day <n>         and --tokens-per-month, --cost-per-day, --cost-per-month,
                               --requests-per-minute, --tokens-per-minute, --concurrent-streams

all commands
  --json                       print JSON
  --config <path>              the configuration, which says where the teams are (SLUICE_CONFIG)
  --data <path>                the data directory; the configuration is then not read
  -h, --help                   print this help

A key joins a team when it is created: sluice keys create alice --team research. A running gateway applies changes
within two seconds.

Examples
  sluice teams create research --cost-per-month 500
  sluice teams change research --cost-per-month 800 --concurrent-streams 20
`;

const OPTIONS = {
  ...CAP_OPTIONS,
  json: { type: "boolean" },
  config: { type: "string" },
  data: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const parse = (args: readonly string[]) => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
type Values = ReturnType<typeof parse>["values"];

const WORDS = ["create", "list", "change", "delete"] as const;
const NONE = "none";

/** Runs `sluice teams …`. `args` are the arguments after `teams`. Resolves with the exit code; never rejects. */
export async function runTeams(args: readonly string[], world: KeysWorld): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    const [word = "", ...names] = positionals;
    if (values.help || word === "") world.stdout.write(USAGE);
    else await run(checked(word, names, values), names[0] ?? "", values, world);
    return OK;
  } catch (error) {
    return exitFor(error, world.stderr);
  }
}

/** `sluice teams`. */
export const command: Command = { run: runTeams, options: OPTIONS, words: WORDS };

function checked(word: string, names: readonly string[], values: Values): (typeof WORDS)[number] {
  const known = WORDS.find((each) => each === word);
  if (!known) throw bad(`there is no command teams ${word}; see sluice teams --help`);
  if (names.length !== (known === "list" ? 0 : 1))
    throw bad(`teams ${word} takes ${known === "list" ? "no" : "one"} name`);
  const cap = Object.keys(values).find((given) => given in CAP_OPTIONS);
  if (cap !== undefined && known !== "create" && known !== "change") throw bad(`teams ${word} takes no --${cap}`);
  if (cap === undefined && known === "change") throw bad("teams change takes caps; see sluice teams --help");
  return known;
}

async function run(word: (typeof WORDS)[number], name: string, values: Values, world: KeysWorld): Promise<void> {
  // Options are checked before anything is opened.
  const { given, removed } = capsIn(values, word);
  if (word !== "list") readTeam(name);
  const { keys, announce } = await openKeys(values, world);
  const show = (team: Team | undefined, said: string) =>
    world.stdout.write(values.json ? json(team ?? null) : `${said}\n`);
  try {
    if (word === "create") {
      const team = await keys.changeTeam(name, (old) => {
        if (old) throw bad(`there is a team ${name} already; sluice teams change changes it`);
        return { name, caps: given };
      });
      show(team, `team ${name}: ${capsOf(given) || "no caps"}`);
    } else if (word === "change") {
      const team = await keys.changeTeam(name, (old) => ({
        name,
        caps: { ...there(old, name).caps, ...removed, ...given },
      }));
      show(team, `team ${name}: ${capsOf(team?.caps ?? {}) || "no caps"}`);
    } else if (word === "delete") {
      await keys.changeTeam(name, (old) => {
        there(old, name);
        return undefined;
      });
      show(undefined, `team ${name} is deleted`);
    } else await list(keys, values, world);
  } finally {
    await keys.close();
  }
  if (word !== "list") await announce();
}

async function list(keys: KeyStore, values: Values, world: KeysWorld): Promise<void> {
  const all = (await keys.list()).filter(({ revokedAt }) => revokedAt === undefined);
  const teams = (await keys.teams()).map((team) => ({
    ...team,
    callers: all.filter((key) => key.team?.name === team.name).map(({ caller }) => caller),
  }));
  if (values.json) world.stdout.write(json(teams));
  else if (teams.length === 0) world.stderr.write("sluice: there are no teams; create one with sluice teams create\n");
  else {
    const lines = teams.map(
      ({ name, caps, callers }) => `${name}: ${capsOf(caps) || "no caps"}; ${callers.join(", ") || "no keys"}\n`,
    );
    world.stdout.write(lines.join(""));
  }
}

/** The caps that are given, and those that are to go. */
function capsIn(values: Values, word: string): { readonly given: Caps; readonly removed: Caps } {
  const names = Object.keys(CAP_OPTIONS) as (keyof typeof CAP_OPTIONS)[];
  const gone = word === "change" ? names.filter((name) => values[name] === NONE) : [];
  const set = Object.fromEntries(names.filter((name) => !gone.includes(name)).map((name) => [name, values[name]]));
  return {
    given: Object.fromEntries(Object.entries(readCaps(set)).filter(([, cap]) => cap !== undefined)),
    removed: Object.fromEntries(gone.map((name) => [capOf(name), undefined])),
  };
}

/** `tokens-per-day` as `tokensPerDay`. */
const capOf = (option: string): string => option.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

function there(team: Team | undefined, name: string): Team {
  if (team) return team;
  throw bad(`there is no team ${name}; sluice teams list shows all`);
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
const bad = (message: string) => new GatewayError("bad_request", message);
