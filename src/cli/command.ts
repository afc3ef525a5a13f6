import type { ParseArgsConfig } from "node:util";
import type { Terminal } from "./terminal.ts";
import type { Screen, ScreenListener } from "./top/screen.ts";

interface Output {
  write(text: string): unknown;
}

/** The outside world as commands see it; each takes a part of it. */
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
  /** Sends SIGHUP to a process. Throws when the process is not this user's. */
  readonly hangUp: (pid: number) => void;
}

/** Options as `parseArgs` takes them. */
export type Options = NonNullable<ParseArgsConfig["options"]>;

/** A command, loaded when it runs: some load the database. */
export interface Command {
  /** Runs it. `args` are the arguments after its name. Resolves with the exit code; never rejects. */
  readonly run?: (args: readonly string[], world: CommandWorld) => number | Promise<number>;
  readonly options: Options;
  /** The words that may follow its name. */
  readonly words?: readonly string[];
}
