import { createHash, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import type { GatewayKey } from "../../../core/caller/key-ring.ts";
import { writeSecret } from "../../../core/caller/key-secret.ts";
import type { Command } from "../../command.ts";
import { CAP_OPTIONS } from "./cap-options.ts";
import { CREATE_OPTIONS, changedKey, readDuration, readKey, readKeyChange } from "./key-options.ts";
import { capsOf, keyTable, keyView } from "./key-view.ts";
import { type KeysWorld, openKeys } from "./open-keys.ts";
import { bad, json, runSubcommand, SHARED_OPTIONS, type Subcommands } from "./subcommands.ts";

const USAGE = `Usage: sluice keys create <caller> [options]     create a key and print its secret, once
       sluice keys list [--all]                  list unrevoked keys, or all
       sluice keys change <id or caller> [options]   move a key to another team, or change its caps
       sluice keys revoke <id or caller>         revoke a key, and end its sockets and streams
       sluice keys rotate <id or caller>         give a key a new secret and print it, once

create
  --scopes <list>              of chat, streams, read, logs, admin (default: chat,streams)
  --models <list>              models it may use, by name or pattern (default: all)
  --routes <list>              routes it may use (default: all)
  --team <name>                the team it spends for, whose caps count too (sluice teams)
  --tokens-per-day <n>         caps: --tokens-per-month, --cost-per-day, --cost-per-month,
                               --requests-per-minute, --tokens-per-minute, --concurrent-streams
  --away <policy>              its streams without a reader: continue, finish or cancel
  --on-abort <policy>          its cancelled streams: cancel the upstream, or drain it for its usage
  --upstream-key <policy>      who pays the provider: managed (default), own, or own_or_managed
  --expires <time>             30d, 12h, or a day such as 2027-01-31 (default: never)

change
  --team <name>, caps          as above; none removes: --team none, --tokens-per-day none

rotate
  --overlap <time>             how long the old secret stays valid, such as 10m

all commands
  --json                       print JSON
  --config <path>              the configuration, which says where the keys are (SLUICE_CONFIG)
  --data <path>                the data directory; the configuration is then not read
  -h, --help                   print this help

A running gateway applies changes within two seconds. Only the secret goes to standard output.

Examples
  sluice keys create alice --models demo,gpt-5 --cost-per-day 20 --expires 30d
  sluice keys list --all --json
  sluice keys change alice --team research --cost-per-day none
  sluice keys rotate alice --overlap 10m
  sluice keys revoke alice
`;

const OPTIONS = {
  ...CREATE_OPTIONS,
  overlap: { type: "string" },
  all: { type: "boolean" },
  ...SHARED_OPTIONS,
} as const;

type Option = keyof typeof OPTIONS;
const parse = (args: readonly string[]) => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
type Values = ReturnType<typeof parse>["values"];

const WORDS: Subcommands<Values>["words"] = {
  create: { names: 1, options: Object.keys(CREATE_OPTIONS) as Option[] },
  list: { names: 0, options: ["all"] },
  change: { names: 1, options: ["team", ...(Object.keys(CAP_OPTIONS) as Option[])] },
  revoke: { names: 1, options: [] },
  rotate: { names: 1, options: ["overlap"] },
};

/** Runs `sluice keys …`. `args` are the arguments after `keys`. Resolves with the exit code; never rejects. */
export const runKeys = (args: readonly string[], world: KeysWorld): Promise<number> =>
  runSubcommand({ of: "keys", usage: USAGE, words: WORDS, parse, run }, args, world);

/** `sluice keys`. */
export const command: Command = { run: runKeys, options: OPTIONS, words: Object.keys(WORDS) };

async function run(command: string, name: string, values: Values, world: KeysWorld): Promise<void> {
  const now = Date.now();
  // Options are checked before anything is opened.
  const wanted = command === "create" ? readKey(name, values, now) : undefined;
  const change = command === "change" ? readKeyChange(values) : undefined;
  const overlapMs = values.overlap === undefined ? 0 : readDuration("overlap", values.overlap);
  const { keys, announce } = await openKeys(values, world, wanted);
  const unchecked = values.data === undefined ? [] : (["models", "routes"] as const).filter((list) => wanted?.[list]);
  if (unchecked.length > 0) {
    const lists = unchecked.map((list) => `--${list}`).join(" and ");
    world.stderr.write(`sluice: --data reads no configuration: the names of ${lists} are not checked\n`);
  }
  try {
    if (wanted) {
      const { secret, sha256 } = newSecret();
      const key = { ...wanted, id: `key_${randomBytes(6).toString("hex")}`, secrets: [{ sha256 }] };
      await keys.add(key);
      show(key, secret, `${key.id} for ${key.caller}`);
    } else if (change) {
      const key = await keys.change(name, (old) => changedKey(old, change));
      const has = `team ${key.team?.name ?? "none"}, caps ${capsOf(key.caps) || "none"}`;
      world.stdout.write(values.json ? json(keyView(key, now)) : `${key.id} of ${key.caller} is changed: ${has}\n`);
    } else if (command === "rotate") {
      const { secret, sha256 } = newSecret();
      const key = await keys.change(name, (old) => rotated(old, sha256, now, now + overlapMs));
      show(key, secret, `${key.id} for ${key.caller}, rotated`);
    } else if (command === "revoke") {
      const key = await keys.change(name, (old) => ({ ...old, revokedAt: old.revokedAt ?? now }));
      world.stdout.write(values.json ? json(keyView(key, now)) : `${key.id} of ${key.caller} is revoked\n`);
    } else list(await keys.list());
  } finally {
    await keys.close();
  }
  if (command !== "list") await announce();

  function show(key: GatewayKey, secret: string, what: string): void {
    if (!values.json) world.stderr.write(`sluice: ${what}. Its secret is shown only once:\n`);
    world.stdout.write(values.json ? json({ ...keyView(key, now), secret }) : `${secret}\n`);
  }

  function list(all: readonly GatewayKey[]): void {
    const shown = values.all ? all : all.filter(({ revokedAt }) => revokedAt === undefined);
    if (values.json) world.stdout.write(json(shown.map((key) => keyView(key, now))));
    else if (shown.length > 0) world.stdout.write(keyTable(shown, now));
    else world.stderr.write("sluice: there are no keys; create one with sluice keys create\n");
  }
}

function rotated(key: GatewayKey, sha256: string, now: number, oldUntil: number): GatewayKey {
  if (key.revokedAt !== undefined) throw bad(`${key.id} is revoked`);
  const old = key.secrets
    .map((secret) => ({ ...secret, until: Math.min(secret.until ?? oldUntil, oldUntil) }))
    .filter(({ until }) => until > now);
  return { ...key, secrets: [{ sha256 }, ...old] };
}

function newSecret() {
  const secret = writeSecret(randomBytes(32));
  return { secret, sha256: createHash("sha256").update(secret).digest("hex") };
}
