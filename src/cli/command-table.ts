import type { ParseArgsConfig } from "node:util";
import type { Terminal } from "./terminal.ts";
import type { Screen, ScreenListener } from "./top/screen.ts";

interface Output {
  write(text: string): unknown;
}

/** The outside world as the commands see it, each a part of it. */
export interface CommandWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly version: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Opens the terminal to ask on; undefined if standard input is none. */
  readonly openTerminal: (() => Terminal) | undefined;
  /** Takes over the whole terminal; undefined if input or output is none. */
  readonly openScreen: ((listener: ScreenListener) => Screen) | undefined;
  /** Sends SIGHUP to a process. Throws when it may not. */
  readonly hangUp: (pid: number) => void;
}

export type Options = NonNullable<ParseArgsConfig["options"]>;

/** What a command consists of, loaded when it runs: some load the database. */
export interface Loaded {
  /** Runs it. `args` are the arguments after its name. Resolves with the exit code; never rejects. */
  readonly run?: (args: readonly string[], world: CommandWorld) => number | Promise<number>;
  readonly options: Options;
  /** The words that may follow its name. */
  readonly words?: readonly string[];
}

/** One command of the command line. */
export interface Command {
  /** What it does, as --help and the shells say it. */
  readonly summary: string;
  readonly load: () => Promise<Loaded>;
}

/** The options of `serve` and `check`. */
export const SERVE_OPTIONS = {
  config: { type: "string" },
  host: { type: "string" },
  port: { type: "string" },
  "control-ui": { type: "string" },
  version: { type: "boolean", short: "v" },
  help: { type: "boolean", short: "h" },
} as const;

/** Every command, in the order of --help. Those without `run` are the command line's own. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  serve: { summary: "run the gateway (the default command)", load: async () => ({ options: SERVE_OPTIONS }) },
  init: {
    summary: "write a first configuration file",
    load: async () => {
      const { runInit, OPTIONS } = await import("./commands/init.ts");
      return { run: runInit, options: OPTIONS };
    },
  },
  check: {
    summary: "validate the configuration and print it in full, with secrets masked",
    load: async () => ({ options: SERVE_OPTIONS }),
  },
  reload: {
    summary: "make the running gateway read its configuration again",
    load: async () => {
      const { runReload, OPTIONS } = await import("./commands/reload.ts");
      return { run: runReload, options: OPTIONS };
    },
  },
  routes: {
    summary: "what the running gateway's models run on, and how well",
    load: async () => {
      const { runRoutes, OPTIONS } = await import("./commands/routes.ts");
      return { run: runRoutes, options: OPTIONS };
    },
  },
  top: {
    summary: "the running streams, live; ends one by a key",
    load: async () => {
      const { runTop, OPTIONS } = await import("./commands/top.ts");
      return { run: runTop, options: OPTIONS };
    },
  },
  logs: {
    summary: "the log of the running gateway, followed and filtered",
    load: async () => {
      const { runLogs, OPTIONS } = await import("./commands/logs.ts");
      return { run: runLogs, options: OPTIONS };
    },
  },
  keys: {
    summary: "create, list, revoke and rotate gateway keys",
    load: async () => {
      const { runKeys, OPTIONS, COMMANDS: words } = await import("./commands/keys.ts");
      return { run: runKeys, options: OPTIONS, words: Object.keys(words) };
    },
  },
  usage: {
    summary: "report usage and cost from the ledger",
    load: async () => {
      const { runUsage, OPTIONS } = await import("./commands/usage.ts");
      return { run: runUsage, options: OPTIONS };
    },
  },
  completion: {
    summary: "print a script that completes commands and options in a shell",
    load: async () => {
      const { runCompletion, OPTIONS, SHELLS } = await import("./commands/completion.ts");
      return {
        run: (args, world) => runCompletion(args, world, loadAll),
        options: OPTIONS,
        words: Object.keys(SHELLS),
      };
    },
  },
};

/** A command's name and summary with what it is loaded as. */
export type NamedCommand = Loaded & { readonly name: string; readonly summary: string };

const loadAll = (): Promise<readonly NamedCommand[]> =>
  Promise.all(
    Object.entries(COMMANDS).map(async ([name, { summary, load }]) => ({ name, summary, ...(await load()) })),
  );
