import type { Prompt } from "./prompt.ts";
import { pick, type Random } from "./random.ts";

/** The most that is quoted of the prompt, in characters. */
const MAX_QUOTE = 120;

const OPENINGS = [
  "Hello from the demo upstream, a small HTTP server inside the gateway. There is no model here: the words come from a script.",
  "This is the demo upstream, a scripted server that comes with the gateway. There is no model and no bill — only the streaming is real.",
  "You have reached the demo upstream. It streams token by token as a provider does, but from a script: nothing you type leaves this machine.",
] as const;

const EXPLANATIONS = [
  "This server sends every few letters as one server-sent event. The gateway parses each event, numbers it and writes it to your socket in the same turn of its event loop. No timer collects events, so you see them at the pace at which they were sent 🌊",
  "This text takes the following path. I write it as server-sent events over HTTP; the gateway reads them from the socket, numbers each one and sends it to you at once as one frame. The pauses are mine: about thirty milliseconds a token, with a little jitter, like a real model’s ⏱️",
  "Each piece of this answer is one event: I send it over HTTP, the gateway parses it and relays it to you as one frame before the next one arrives. Your time to first token is therefore mine plus a fraction of a millisecond, as the page and the log show 🔍",
] as const;

const INVITATIONS = [
  "Try a failure on purpose: write [[error 429]], [[error]] or [[cut]] in a prompt and see how it is reported. [[200x5]] gives 200 tokens at 5 ms each.",
  "Until then, play: [[300x10]] in a prompt streams 300 tokens at 10 ms each, [[slow]] takes its time, and [[cut]] stops in the middle, so that you see what your client does.",
  "If you are building a client, ask me to “call a tool”, choose the thinking model, or write [[error 500]] to see an upstream on a bad day.",
] as const;

const THOUGHTS = [
  "The user wants an answer and I am a script. I will say what I am, then quote their message, then explain the stream, so that they do not mistake me for a model.",
  "Let me think about this, or rather stream something that looks like thinking. A client should show these words apart from the answer, or not at all.",
] as const;

/** The beginning of the prompt, without splitting a character. */
function quote(text: string): string {
  const letters = [...text.slice(0, 2 * MAX_QUOTE + 1)];
  return letters.length > MAX_QUOTE ? `${letters.slice(0, MAX_QUOTE - 1).join("")}…` : letters.join("");
}

/** The text of an answer. `rest` is the prompt without directives, `speaks` the dialect's display name. */
export function answerText(random: Random, prompt: Prompt, rest: string, speaks: string): string {
  const heard = rest === "" ? "Your message has no text." : `You wrote: “${quote(rest)}”.`;
  const turn = prompt.turns > 1 ? ` That is message ${prompt.turns} of this conversation.` : "";
  return [
    pick(random, OPENINGS),
    heard + turn,
    `${pick(random, EXPLANATIONS)} This stream is in the ${speaks} dialect.`,
    "To talk to a real model, stop the gateway, set ANTHROPIC_API_KEY, OPENAI_API_KEY or MOONSHOT_API_KEY and start it again: the matching routes are added automatically. For any other provider, use sluice.config.json.",
    pick(random, INVITATIONS),
  ].join("\n\n");
}

/** The text before a tool call. */
export const toolText = (name: string): string =>
  `You asked for a tool, so I am calling “${name}”. Its arguments are streamed as well.`;

/** The answer to a tool's result. */
export const toolResultText = (): string =>
  "The tool’s result has arrived. A real model would read it now and continue; this script only confirms it.";

/** The thinking before an answer. */
export const thinkingText = (random: Random): string => pick(random, THOUGHTS);

/** Splits a text like a model's tokens: a few letters with the space before them, a mark, a line break. */
export const tokensOf = (text: string): string[] =>
  text.match(/ ?[\p{L}\p{N}\p{M}]{1,7}|\s+|[^\s\p{L}\p{N}\p{M}]/gu) ?? [];
