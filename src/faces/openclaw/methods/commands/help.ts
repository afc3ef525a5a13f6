import type { Command } from "./command.ts";

const wordsOf = ({ name, aliases = [], argument }: Command): string =>
  `${[name, ...aliases].map((word) => `\`/${word}\``).join(", ")}${argument ? ` [${argument.name}]` : ""}`;

/** `/help`: lists the other commands. */
export const help = (others: readonly Command[]): Command => ({
  name: "help",
  aliases: ["commands"],
  description: "Show the commands that this gateway answers",
  category: "status",
  run: () =>
    [
      "This gateway answers these commands; none of them is sent to a model:",
      ...others.map((command) => `- ${wordsOf(command)}: ${command.description}`),
      "",
      "A message that begins with `//` is sent to the model as it is.",
    ].join("\n"),
});
