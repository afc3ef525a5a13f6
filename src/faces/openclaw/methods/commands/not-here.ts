/** OpenClaw's commands that this gateway does not have, by the reason. The words are those of OpenClaw 2026.9.6. */
const REASONS: readonly (readonly [reason: string, words: string])[] = [
  ["this gateway runs no tools", "tools exec bash elevated elev approve allowlist acp subagents"],
  [
    "this gateway is no agent: it has no goals, skills, schedules or background tasks",
    "goal skill learn loop tasks dashboard",
  ],
  ["there is one agent here, `main`", "agents agent activation send"],
  ["this gateway keeps whole transcripts and sends the newest messages", "compact"],
  [
    "a model's answer cannot be changed midway: send a message, which waits for its turn, or `/stop`",
    "steer tell redirect",
  ],
  ["how fast a provider answers is not chosen here", "fast"],
  ["this gateway has no speech", "tts"],
  ["this gateway has no plugins and no MCP servers", "plugins plugin mcp trace"],
  [
    "the gateway is configured by its file and run by its operator",
    "config debug restart update login auth diagnostics openclaw crestodian browser-setup",
  ],
  [
    "the gateway writes no files: the Control UI's `/export` saves the conversation in the browser",
    "export-session export export-trajectory trajectory",
  ],
  [
    "it is a command of OpenClaw's terminal UI, which answers it itself",
    "session sessions settings question exit quit",
  ],
];

/** The reason by the word. */
const NOT_HERE: ReadonlyMap<string, string> = new Map(
  REASONS.flatMap(([reason, words]) => words.split(" ").map((word) => [word, reason] as const)),
);

/** Why a word is no command here, in a sentence. Words that OpenClaw does not know either get the way around. */
export function whyNot(word: string): string {
  const reason = NOT_HERE.get(word);
  if (reason !== undefined) return `\`/${word}\` is not available here: ${reason}.`;
  return `There is no command \`/${word}\`, and nothing was sent to the model. \`/help\` lists the commands; to send the text as it is, begin it with \`//\`.`;
}
