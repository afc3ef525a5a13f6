import type { DialectName } from "../../src/dialects/registry.ts";
import { readOuter } from "./outer-corpus.ts";

/** One server-sent event as the provider sent it. */
export interface RecordedEvent {
  readonly event: string | undefined;
  readonly data: string;
}

export interface Recording {
  /** `provider/name`, unique in the corpus. */
  readonly title: string;
  readonly dialect: DialectName;
  /**
   * The answers, each one body of its own. Recordings of tool loops hold several calls behind one another: an answer
   * ends behind its terminal event, or where a chat completion's id changes.
   */
  readonly answers: readonly (readonly RecordedEvent[])[];
}

interface Corpus {
  readonly streams: readonly { readonly provider: string; readonly name: string; readonly events: readonly string[] }[];
}

const TERMINALS = new Set(["message_stop", "response.completed", "response.incomplete", "response.failed"]);

/** The recorded streams of real providers, or undefined when the corpus is not beside the project. */
export const recordings: readonly Recording[] | undefined = readOuter<Corpus>(
  "corpus/provider-streams.json",
)?.streams.map(({ provider, name, events }) => {
  const dialect = dialectOf(provider, events);
  return { title: `${provider}/${name}`, dialect, answers: split(events, dialect) };
});

function dialectOf(provider: string, events: readonly string[]): DialectName {
  if (provider === "anthropic") return "anthropic-messages";
  if (typeOf(events[0])?.startsWith("response.")) return "openai-responses";
  // Moonshot's chunks come without `object`, completions of the old kind have it and mean text.
  const isChat = events.some((data) => data.includes('"delta"')) && events[0]?.includes('"choices"');
  return isChat ? "openai-chat" : "plain-sse";
}

/** The event's type. Read from the text, since two recorded events are not valid JSON. */
function typeOf(data: string | undefined): string | undefined {
  const text = data ?? "";
  try {
    const { type } = JSON.parse(text) as { type?: string };
    return type;
  } catch {
    return /"type":\s*"([^"]+)"/.exec(text)?.[1];
  }
}

function split(events: readonly string[], dialect: DialectName): RecordedEvent[][] {
  const answers: RecordedEvent[][] = [[]];
  let previousId: unknown;
  let ended = false;
  for (const data of events) {
    const event = dialect === "anthropic-messages" || dialect === "openai-responses" ? typeOf(data) : undefined;
    const id: unknown = dialect === "openai-chat" ? (JSON.parse(data) as { id?: unknown }).id : undefined;
    if (ended || (previousId !== undefined && id !== previousId)) answers.push([]);
    answers.at(-1)?.push({ event, data });
    previousId = id;
    ended = event !== undefined && TERMINALS.has(event);
  }
  return answers;
}
