import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { unreachableRoutes } from "../../compose/unreachable-routes.ts";
import { warningsOf } from "../../config/cross-checks.ts";
import { loadConfig } from "../../config/load.ts";
import { PROVIDER_NAMES } from "../../config/providers.ts";
import { asObject } from "../../core/kernel/json.ts";
import type { Command, CommandWorld } from "../command.ts";
import { BAD_USAGE, exitFor, OK } from "../exit-codes.ts";
import { AnswerError, type Answers, firstConfig, TOKEN_VARIABLE, variablesOf } from "./first-config.ts";
import { askFor } from "./init-questions.ts";

/** The part of the outside world that the command uses. */
export type InitWorld = Pick<CommandWorld, "env" | "cwd" | "stdout" | "stderr" | "openTerminal">;

const USAGE = `Usage: sluice init [options]     write a first configuration file, asking what the options leave open

  --providers <list> demo, or some of ${PROVIDER_NAMES.slice(0, 6).join(", ")},
                     ${PROVIDER_NAMES.slice(6).join(", ")};
                     an address follows its name: vllm=http://10.0.0.5:8000/v1
  --models <list>    a model of each provider, by the provider's own id: openrouter=anthropic/claude-sonnet-5
  --where <host>     here (this machine only), or the host name or address clients will use
  --for <whom>       me, or others, who get a gateway key each
  --config <path>    the file to write (SLUICE_CONFIG; default: sluice.config.json); never overwritten
  -h, --help         print this help

The file refers to keys by environment variable and holds no secret.

Examples
  sluice init                                                  asks everything
  sluice init --providers anthropic --where here --for me      asks nothing
  sluice init --providers vllm=http://10.0.0.5:8000/v1 --models vllm=qwen3 --where gateway.example.com --for others
`;

const OPTIONS = {
  providers: { type: "string" },
  models: { type: "string" },
  where: { type: "string" },
  for: { type: "string" },
  config: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const parse = (args: readonly string[]) => parseArgs({ args: [...args], options: OPTIONS }).values;

/** Runs `sluice init …`. `args` are the arguments after `init`. Resolves with the exit code; never rejects. */
export async function runInit(args: readonly string[], world: InitWorld): Promise<number> {
  const { env, cwd, stdout, stderr } = world;
  try {
    const values = parse(args);
    if (values.help) {
      stdout.write(USAGE);
      return OK;
    }
    const file = values.config ?? (env.SLUICE_CONFIG || "sluice.config.json");
    const path = resolve(cwd, file);
    // Before the questions; writing refuses once more.
    if (existsSync(path)) throw new Error(`${file} exists and is not overwritten; name another file with --config`);
    const answers = await askFor(values, env, world.openTerminal);
    if (answers === undefined) throw new Error("the questions were not all answered; nothing is written");
    const text = `${JSON.stringify(firstConfig(answers), undefined, 2)}\n`;
    const config = checked(text, variablesOf(answers), path);
    writeFileSync(path, text, { flag: "wx" });
    for (const warning of [...warningsOf(config), ...unreachableRoutes(config)])
      stderr.write(`sluice: warning: ${warning}\n`);
    stdout.write(nextSteps(answers, file, env));
    return OK;
  } catch (error) {
    if (error instanceof AnswerError) {
      stderr.write(`sluice: ${error.message}\n`);
      return BAD_USAGE;
    }
    const isTaken = asObject(error)?.code === "EEXIST";
    return exitFor(isTaken ? new Error("the file exists by now and is not overwritten") : error, stderr);
  }
}

/** `sluice init`. */
export const command: Command = { run: runInit, options: OPTIONS };

/** The configuration as the gateway would load it, were every variable set. Throws ConfigError. */
function checked(text: string, variables: readonly string[], path: string) {
  const env = Object.fromEntries(variables.map((variable) => [variable, "0123456789abcdef0123456789abcdef"]));
  return loadConfig({ env: { ...env, SLUICE_CONFIG: path }, cwd: "/", readFile: () => text });
}

function nextSteps(answers: Answers, file: string, env: InitWorld["env"]): string {
  const unset = variablesOf(answers).filter((variable) => !env[variable]);
  const how = (variable: string) =>
    variable === TOKEN_VARIABLE ? `${variable}, the token clients send: openssl rand -hex 32 makes one` : variable;
  const flag = file === "sluice.config.json" ? "" : ` --config ${file}`;
  const steps = [
    ...unset.map((variable) => `set the environment variable ${how(variable)}`),
    `sluice check${flag}: shows the whole configuration, and what is wrong with it`,
    ...(answers.isForOthers ? [`sluice keys create <name>${flag}: prints a gateway key, for each person`] : []),
    `sluice${flag}: runs the gateway`,
    ...(answers.host === undefined ? [] : ["put a proxy that speaks TLS in front of it: docs/security.md"]),
  ];
  return [`Wrote ${file}. Next:`, ...steps.map((step, at) => `  ${at + 1}. ${step}`), ""].join("\n");
}
