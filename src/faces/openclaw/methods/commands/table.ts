import { btw } from "./btw.ts";
import type { Command } from "./command.ts";
import { context } from "./context.ts";
import { help } from "./help.ts";
import { reasoning, think, verbose } from "./levels.ts";
import { model } from "./model.ts";
import { queue } from "./queue.ts";
import { name, renewing, stop } from "./session.ts";
import { status } from "./status.ts";
import { usage } from "./usage.ts";
import { whoami } from "./whoami.ts";

const others = [status, renewing, stop, name, model, think, reasoning, verbose, queue, btw, context, usage, whoami];

/** Every command that the gateway answers. */
const COMMANDS: readonly Command[] = [help(others), ...others];

const byWord = new Map(
  COMMANDS.flatMap((command) => [command.name, ...(command.aliases ?? [])].map((word) => [word, command] as const)),
);

/** The command of a word, in lower case and without its slash. */
export const commandNamed = (word: string): Command | undefined => byWord.get(word);

/** The entries of `commands.list`. */
export const commandEntries = COMMANDS.map(({ name: word, aliases = [], description, category, argument }) => ({
  name: word,
  textAliases: [word, ...aliases].map((one) => `/${one}`),
  description,
  category,
  source: "native",
  scope: "text",
  acceptsArgs: argument !== undefined,
  ...(argument && { args: [{ ...argument, type: "string" }] }),
}));
