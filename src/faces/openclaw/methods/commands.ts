/** What `/words` at the beginning of a message do. Anything else with a slash is for the model. */

import { messageFingerprint } from "../runs/run-records.ts";
import { selectionOf, thinkingFields } from "../sessions/model-catalog.ts";
import { modelOf } from "../sessions/session-row.ts";
import type { Session } from "../sessions/session-store.ts";
import type { Call } from "./call.ts";
import type { Services } from "./services.ts";
import { renew } from "./session-reset.ts";
import { repeat } from "./submit.ts";

interface Command {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
  readonly category: "session" | "options" | "status";
  readonly argument?: { readonly name: string; readonly description: string };
  /** Does it, and says what was done. Throws GatewayError. */
  readonly run: (services: Services, session: Session, argument: string) => string;
}

const model: Command = {
  name: "model",
  aliases: ["/model", "/models"],
  description: "Show the models, or choose one for this session",
  category: "options",
  argument: { name: "model", description: "provider/model, or a model's name" },
  run(services, session, argument) {
    const { catalog, sessions, news } = services;
    if (argument === "") {
      const names = catalog.models.map((one) => `- \`${selectionOf(one)}\``);
      return [`This session talks to \`${selectionOf(modelOf(session, catalog))}\`. There are:`, ...names].join("\n");
    }
    const selection = selectionOf(catalog.get(argument));
    sessions.patch(session, { model: selection });
    news.changed(session.key, "patch");
    return `This session talks to \`${selection}\` from now on.`;
  },
};

const think: Command = {
  name: "think",
  aliases: ["/think", "/thinking", "/t"],
  description: "Show or choose how much the model thinks",
  category: "options",
  argument: { name: "level", description: thinkingFields.thinkingLevels.map(({ id }) => id).join(", ") },
  run(services, session, argument) {
    const level = argument.toLowerCase();
    const levels = thinkingFields.thinkingLevels.map(({ id }) => id as string);
    if (level === "") return `Thinking is ${session.text("thinkingLevel") ?? thinkingFields.thinkingDefault}.`;
    if (!levels.includes(level)) return `There is no level ${JSON.stringify(argument)}: ${levels.join(", ")}.`;
    services.sessions.patch(session, { thinkingLevel: level });
    services.news.changed(session.key, "patch");
    return `Thinking is ${level} from now on.`;
  },
};

const renewing: Command = {
  name: "new",
  aliases: ["/new", "/reset", "/clear"],
  description: "Begin this session anew",
  category: "session",
  run(services, session) {
    renew(services, session);
    return "A new conversation begins.";
  },
};

const COMMANDS = [renewing, model, think];

/** Entries of `commands.list`. `/stop` is older than these: it answers without a run. */
export const commandEntries = [
  ...COMMANDS.map(({ name, aliases, description, category, argument }) => ({
    name,
    textAliases: aliases,
    description,
    category,
    source: "native",
    scope: "text",
    acceptsArgs: argument !== undefined,
    ...(argument && { args: [{ ...argument, type: "string" }] }),
  })),
  {
    name: "stop",
    textAliases: ["/stop"],
    description: "Stop what runs and what waits in this session",
    category: "session",
    source: "native",
    scope: "text",
    acceptsArgs: false,
  },
];

/** Carries out a message that is a command: acknowledged, done, and answered as a run would be. False: it is none. */
export async function runCommand(
  services: Services,
  call: Call,
  key: string,
  runId: string,
  message: string,
): Promise<boolean> {
  const [, word = "", argument = ""] = /^(\/[a-z]+)[ \t]*:?[ \t]*([^\n]*)$/i.exec(message.trim()) ?? [];
  const command = COMMANDS.find(({ aliases }) => aliases.includes(word.toLowerCase()));
  if (!command) return false;
  const session = await services.sessions.openOrCreate(key);
  const content = [{ type: "text", text: message }] as const;
  const earlier = services.records.find(runId, session, messageFingerprint(session, content));
  if (earlier) {
    repeat(earlier, call);
    return true;
  }
  const said = command.run(services, session, argument.trim());
  call.reply({ runId, status: "started" });
  services.runner.reply(session, runId, content, said);
  return true;
}
