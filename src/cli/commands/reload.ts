import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { DEFAULT_FILE } from "../../config/load.ts";
import { asObject, asString, type JsonObject } from "../../core/kernel/json.ts";
import { hostOfRun } from "../../storage/sqlite/directory-claim.ts";
import { liveInstances } from "../../storage/sqlite/instance-lock.ts";
import type { Command, CommandWorld } from "../command.ts";
import { exitFor, FAILED, OK } from "../exit-codes.ts";
import { type ReloadOutcome, takeOutcome } from "../reload-outcome.ts";

/** The part of the outside world that the command uses. */
export type ReloadWorld = Pick<CommandWorld, "env" | "cwd" | "stdout" | "stderr" | "hangUp">;

const USAGE = `Usage: sluice reload [options]     make the running gateway read its configuration again

  --config <path>    the configuration, which names the data directory (SLUICE_CONFIG)
  --data <path>      the data directory; the configuration is then not read
  -h, --help         print this help

Running streams keep what they began with. Exits with 1 when the gateway refuses the file; nothing has changed then.

Examples
  sluice check && sluice reload       of the file here
  sluice reload --data /var/lib/sluice
`;

const OPTIONS = {
  config: { type: "string" },
  data: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** How long the gateway may take to answer, and between two looks. */
const ANSWER_MS = 10_000;
const LOOK_MS = 20;

/** Runs `sluice reload`. Resolves with the exit code; never rejects. */
export async function runReload(args: readonly string[], world: ReloadWorld): Promise<number> {
  const { stdout, stderr } = world;
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help) stdout.write(USAGE);
    return values.help ? OK : await ask(directoryOf(values, world), world);
  } catch (error) {
    return exitFor(error, stderr);
  }
}

/** `sluice reload`. */
export const command: Command = { run: runReload, options: OPTIONS };

/** Reads the file by hand: one that is to be refused names its data directory, too. Throws where there is none. */
function directoryOf(values: { readonly config?: string; readonly data?: string }, { env, cwd }: ReloadWorld): string {
  if (values.data) return resolve(cwd, values.data);
  const { directory, store } = dataOf(resolve(cwd, values.config ?? (env.SLUICE_CONFIG || DEFAULT_FILE)));
  if (store === "postgres" || store === "memory") {
    throw new Error(
      `data.store is "${store}", so no data directory says which process the gateway is: send it SIGHUP ` +
        "(kill -HUP <pid>); its log says what it did",
    );
  }
  return resolve(cwd, env.SLUICE_DATA || (asString(directory) ?? ".sluice"));
}

function dataOf(file: string): JsonObject {
  try {
    return asObject(asObject(JSON.parse(readFileSync(file, "utf8")))?.data) ?? {};
  } catch {
    // The gateway says what is wrong with it.
    return {};
  }
}

async function ask(directory: string, world: ReloadWorld): Promise<number> {
  const here = hostOfRun(hostname());
  const held = gatewaysOf(directory).map((name) => name.split("@"));
  const pids = held.filter(([, host]) => host === here).map(([pid]) => Number(pid));
  if (pids.length === 0) {
    throw new Error(
      `no gateway of this machine uses ${directory}: name its directory with --data, or send SIGHUP to its process (kill -HUP <pid>)`,
    );
  }
  const codes = await Promise.all(pids.map((pid) => askOne(directory, pid, world)));
  return Math.max(...codes);
}

function gatewaysOf(directory: string): readonly string[] {
  try {
    return liveInstances(directory, "gateway").held;
  } catch {
    return [];
  }
}

async function askOne(directory: string, pid: number, { hangUp, stdout, stderr }: ReloadWorld): Promise<number> {
  takeOutcome(directory, pid);
  hangUp(pid);
  for (let waitedMs = 0; waitedMs < ANSWER_MS; waitedMs += LOOK_MS) {
    const outcome = takeOutcome(directory, pid);
    if (outcome?.refused !== undefined) {
      stderr.write(`sluice: the gateway (pid ${pid}) keeps its configuration: ${outcome.refused}\n`);
      return FAILED;
    }
    if (outcome) {
      stdout.write(textOf(pid, outcome));
      return OK;
    }
    await setTimeout(LOOK_MS);
  }
  stderr.write(`sluice: the gateway (pid ${pid}) has not answered; its log says what it did\n`);
  return FAILED;
}

function textOf(pid: number, { changed = [], restart = [] }: ReloadOutcome): string {
  const lines = [
    changed.length > 0 ? `changed: ${changed.join(", ")}` : "nothing to change",
    ...(restart.length > 0 ? [`unchanged until a restart: ${restart.join(", ")}`] : []),
  ];
  return lines.map((line) => `gateway ${pid}: ${line}\n`).join("");
}
