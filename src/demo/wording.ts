import type { Prompt } from "./prompt.ts";
import { pick, type Random } from "./random.ts";

/** Longest piece of the prompt that is said back. */
const MAX_QUOTE = 120;

const OPENINGS = [
  "Hello from the demo upstream — a small HTTP server inside the gateway. No model is thinking here; the words are a script.",
  "This is the demo upstream answering: a scripted server that came with the gateway, so there is no model and no bill — only the streaming is real.",
  "You have reached the demo upstream. It speaks like a provider, token by token, but it reads from a script — nothing you type leaves this machine.",
] as const;

const EXPLANATIONS = [
  "What you are watching: every few letters left this server as one server-sent event. The gateway parsed each event, numbered it and put it on your socket in the same turn of its event loop. No timer collects them, so the pace you see is the pace at which they were sent 🌊",
  "Here is the path of this text. I write it as server-sent events over HTTP, the gateway reads them from the socket, gives each one a number and hands it to you as one frame at once. Pauses are mine — about thirty milliseconds a token, with a little jitter, as real models have them ⏱️",
  "Each piece of this answer is an event of its own: sent by me over HTTP, parsed by the gateway, relayed to you as one frame before the next one arrives. Time to first token is therefore mine plus a fraction of a millisecond — the page or the log shows both clocks 🔍",
] as const;

const INVITATIONS = [
  "Then try a failure on purpose: write [[error 429]], [[error]] or [[cut]] into a prompt and see how it is reported. [[200x5]] gives 200 tokens at 5 ms each.",
  "Meanwhile, play: [[300x10]] in a prompt streams 300 tokens at 10 ms each, [[slow]] takes its time, and [[cut]] breaks off in the middle, so you see what your client does.",
  "If you build a client: ask me to “call a tool”, pick the thinking model, or write [[error 500]] to meet an upstream on a bad day.",
] as const;

const THOUGHTS = [
  "The user wants an answer and I am a script. First say what I am, then say what they wrote, then explain the stream — in that order, so nobody mistakes me for a model.",
  "Let me think about this — or rather, let me stream something that looks like thought. A client should show these words apart from the answer, or not at all.",
] as const;

/** The prompt in short: its first characters, none of them split. */
function quote(text: string): string {
  const letters = [...text.slice(0, 2 * MAX_QUOTE + 1)];
  return letters.length > MAX_QUOTE ? `${letters.slice(0, MAX_QUOTE - 1).join("")}…` : letters.join("");
}

/** What the demo upstream says. `rest` is the prompt without directives, `speaks` the dialect's name for people. */
export function answerText(random: Random, prompt: Prompt, rest: string, speaks: string): string {
  const heard = rest === "" ? "You sent no words this time." : `You wrote: “${quote(rest)}”.`;
  const turn = prompt.turns > 1 ? ` That is message ${prompt.turns} of this conversation.` : "";
  return [
    pick(random, OPENINGS),
    heard + turn,
    `${pick(random, EXPLANATIONS)} This stream is in the ${speaks} dialect.`,
    "To talk to a real model, stop the gateway, set ANTHROPIC_API_KEY, OPENAI_API_KEY or MOONSHOT_API_KEY and start it again: the matching routes appear by themselves. For anything else there is sluice.config.json.",
    pick(random, INVITATIONS),
  ].join("\n\n");
}

/** What is said before a tool is called. */
export const toolText = (name: string): string =>
  `You asked for a tool, so I call “${name}” — its arguments stream too.`;

/** What is said once the tool's result is there. */
export const toolResultText = (): string =>
  "Thank you, the tool’s result has arrived. A real model would read it now and go on — this script only says that it came.";

export const thinkingText = (random: Random): string => pick(random, THOUGHTS);

/** Pieces as a model's tokens look: a few letters with the space before them, a mark, a line break. Joined, they are the text. */
export const tokensOf = (text: string): string[] =>
  text.match(/ ?[\p{L}\p{N}\p{M}]{1,7}|\s+|[^\s\p{L}\p{N}\p{M}]/gu) ?? [];
