/** The `/commands` at the beginning of a message. Any other text with a slash goes to the model. */

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
  /** Runs the command and returns what to say. Throws GatewayError. */
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
  description: "Start this session over",
  category: "session",
  run(services, session) {
    renew(services, session);
    return "A new conversation begins.";
  },
};

const COMMANDS = [renewing, model, think];

/** The entries of `commands.list`. `/stop` is handled elsewhere: its reply is no message. */
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
    description: "Stop the active run and the queued messages of this session",
    category: "session",
    source: "native",
    scope: "text",
    acceptsArgs: false,
  },
];

/** Runs a message that is a command and answers it as a run would. Resolves to false if it is not a command. */
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
