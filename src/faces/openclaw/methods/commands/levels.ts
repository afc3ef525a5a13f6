/** The commands that set one of a session's levels. */
import { thinkingFields } from "../../sessions/model-catalog.ts";
import { type Command, type CommandContext, set } from "./command.ts";

interface Level {
  /** The session's setting. */
  readonly setting: "thinkingLevel" | "reasoningLevel" | "verboseLevel";
  /** What the level is of, as a sentence begins. */
  readonly subject: string;
  readonly levels: readonly string[];
  readonly standard: string;
}

function change(context: CommandContext, { setting, subject, levels, standard }: Level): string {
  const { session, argument } = context;
  const level = argument.toLowerCase();
  if (level === "" || level === "status") return `${subject} is ${session.text(setting) ?? standard}.`;
  if (level === "default") {
    set(context, { [setting]: null });
    return `${subject} is ${standard} from now on, the default.`;
  }
  if (!levels.includes(level)) return `There is no level ${JSON.stringify(argument)}: ${levels.join(", ")}, default.`;
  set(context, { [setting]: level });
  return `${subject} is ${level} from now on.`;
}

const levelCommand = (level: Level, words: Pick<Command, "name" | "aliases" | "description">): Command => ({
  ...words,
  category: "options",
  argument: { name: "level", description: [...level.levels, "default"].join(", ") },
  run: (context) => change(context, level),
});

/** `/think`: how much the model thinks. */
export const think = levelCommand(
  {
    setting: "thinkingLevel",
    subject: "Thinking",
    levels: thinkingFields.thinkingLevels.map(({ id }) => id),
    standard: thinkingFields.thinkingDefault,
  },
  { name: "think", aliases: ["thinking", "t"], description: "Show or choose how much the model thinks" },
);

/** `/reasoning`: whether clients show what the model thinks. */
export const reasoning = levelCommand(
  {
    setting: "reasoningLevel",
    subject: "Showing the model's reasoning",
    levels: ["on", "off", "stream"],
    standard: "on",
  },
  { name: "reasoning", aliases: ["reason"], description: "Show or hide the model's reasoning in this session" },
);

/** `/verbose`: how much clients show of tool calls. */
export const verbose = levelCommand(
  { setting: "verboseLevel", subject: "Showing tool calls", levels: ["on", "off", "full"], standard: "off" },
  { name: "verbose", aliases: ["v"], description: "Choose how much clients show of tool calls in this session" },
);
