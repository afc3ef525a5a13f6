import type { Command } from "./command.ts";

/** A command as the table has it. */
export interface Entry {
  /** What it does, as --help and the shells say it. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** The options of `serve` and `check`. */
export const SERVE_OPTIONS = {
  config: { type: "string" },
  host: { type: "string" },
  port: { type: "string" },
  workers: { type: "string" },
  "control-ui": { type: "string" },
  version: { type: "boolean", short: "v" },
  help: { type: "boolean", short: "h" },
} as const;

/** Every command, in the order of --help. Those without `run` are the command line's own. */
export const COMMANDS: Readonly<Record<string, Entry>> = {
  serve: { summary: "run the gateway (the default command)", load: async () => ({ options: SERVE_OPTIONS }) },
  init: {
    summary: "write a first configuration file",
    load: async () => (await import("./commands/init.ts")).command,
  },
  check: {
    summary: "validate the configuration and print it in full, with secrets masked",
    load: async () => ({ options: SERVE_OPTIONS }),
  },
  reload: {
    summary: "make the running gateway read its configuration again",
    load: async () => (await import("./commands/reload.ts")).command,
  },
  routes: {
    summary: "what the running gateway's models run on, and how well",
    load: async () => (await import("./commands/routes.ts")).command,
  },
  top: {
    summary: "the running streams, live; ends one by a key",
    load: async () => (await import("./commands/top.ts")).command,
  },
  logs: {
    summary: "the log of the running gateway, followed and filtered",
    load: async () => (await import("./commands/logs.ts")).command,
  },
  keys: {
    summary: "create, list, change, revoke and rotate gateway keys",
    load: async () => (await import("./commands/keys/keys.ts")).command,
  },
  teams: {
    summary: "create, list, change and delete teams, whose keys have caps together",
    load: async () => (await import("./commands/keys/teams.ts")).command,
  },
  usage: {
    summary: "report usage and cost from the ledger",
    load: async () => (await import("./commands/usage.ts")).command,
  },
  backup: {
    summary: "copy all databases while the gateway runs",
    load: async () => (await import("./commands/backup.ts")).command,
  },
  migrate: {
    summary: "copy the data directory to PostgreSQL, or back",
    load: async () => (await import("./commands/migrate.ts")).command,
  },
  completion: {
    summary: "print a script that completes commands and options in a shell",
    load: async () => (await import("./commands/completion.ts")).completionOf(loadAll),
  },
};

const loadAll = () =>
  Promise.all(
    Object.entries(COMMANDS).map(async ([name, { summary, load }]) => ({ name, summary, ...(await load()) })),
  );
