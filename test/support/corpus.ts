import type { DialectName } from "../../src/dialects/registry.ts";
import { readOuter } from "./outer-corpus.ts";
import { ownRecordings } from "./own-recordings.ts";
import { type RecordedAnswer, recordedAnswer } from "./recorded-answer.ts";

/** One server-sent event as the provider sent it. */
export interface RecordedEvent {
  readonly event: string | undefined;
  readonly data: string;
}

export interface Recording {
  /** `provider/name`, or `own/dialect/name`: unique. */
  readonly title: string;
  readonly dialect: DialectName;
  /**
   * The answers, each one body of its own. Recordings of tool loops hold several calls behind one another: an answer
   * ends behind its terminal event, or where a chat completion's id changes.
   */
  readonly answers: readonly (readonly RecordedEvent[])[];
  /** The provider says in an event that it failed. */
  readonly fails: boolean;
  /** The bytes as recorded, where they are more than the events: comments, ids, odd line ends. Then it is one answer. */
  readonly body?: string;
  /** What is known to stand in the one answer; else it is found by the plainest possible reading. */
  readonly expected?: RecordedAnswer;
}

/** Recordings that lie together. */
export interface Source {
  readonly from: string;
  readonly recordings: readonly Recording[];
  /** Those of our own, which are in every clone. */
  readonly own: boolean;
}

interface Corpus {
  readonly streams: readonly { readonly provider: string; readonly name: string; readonly events: readonly string[] }[];
}

const TERMINALS = new Set(["message_stop", "response.completed", "response.incomplete", "response.failed"]);

/** The one recording of the outer corpus that fails: out of quota. */
const FAILED = "openai/openai-error.1";

/** The recorded streams of real providers, or undefined when the corpus is not beside the project. */
export const outerRecordings: readonly Recording[] | undefined = readOuter<Corpus>(
  "corpus/provider-streams.json",
)?.streams.map(({ provider, name, events }) => {
  const dialect = dialectOf(provider, events);
  const title = `${provider}/${name}`;
  return { title, dialect, answers: split(events, dialect), fails: title === FAILED };
});

/** Our own recordings, and those of the outer corpus where it is here: whatever holds of the ones holds of the others. */
export const sources: readonly Source[] = [
  { from: "our own recordings", recordings: ownRecordings, own: true },
  ...(outerRecordings ? [{ from: "the outer corpus", recordings: outerRecordings, own: false }] : []),
];

/** What an answer of a recording says, in one of the dialects that know their end. */
export const expectedOf = ({ dialect, expected }: Recording, answer: readonly RecordedEvent[]): RecordedAnswer =>
  expected ?? recordedAnswer(dialect, answer);

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
