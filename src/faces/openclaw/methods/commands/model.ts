import { selectionOf } from "../../sessions/model-catalog.ts";
import { modelOf } from "../../sessions/session-row.ts";
import { type Command, type CommandContext, set } from "./command.ts";

/** The words that OpenClaw's clients send for a list. */
const LIST = new Set(["", "list", "status"]);

function list({ services: { catalog }, session }: CommandContext): string {
  const names = catalog.models.map((one) => `- \`${selectionOf(one)}\``);
  const chosen = selectionOf(modelOf(session, catalog));
  return [`This session talks to \`${chosen}\`. There are:`, ...names].join("\n");
}

/** `/model`: shows the models, or chooses one for the session. */
export const model: Command = {
  name: "model",
  aliases: ["models"],
  description: "Show the models, or choose one for this session",
  category: "options",
  argument: { name: "model", description: "provider/model, a model's name, or default" },
  run(context) {
    const { services, argument } = context;
    if (LIST.has(argument.toLowerCase())) return list(context);
    if (argument.toLowerCase() === "default") {
      set(context, { model: null });
      return `This session talks to the default model, \`${selectionOf(services.catalog.default)}\`, from now on.`;
    }
    const selection = selectionOf(services.catalog.get(argument));
    set(context, { model: selection });
    return `This session talks to \`${selection}\` from now on.`;
  },
};
