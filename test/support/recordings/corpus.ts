import type { DialectName } from "../../../src/dialects/registry.ts";
import { readOuter } from "./outer-corpus.ts";
import { ownRecordings } from "./own-recordings.ts";
import { type RecordedAnswer, recordedAnswer } from "./recorded-answer.ts";

/** A server-sent event as the provider sent it. */
export interface RecordedEvent {
  readonly event: string | undefined;
  readonly data: string;
}

export interface Recording {
  /** `provider/name`, or `own/dialect/name`: unique. */
  readonly title: string;
  readonly dialect: DialectName;
  /**
   * The answers, each its own body. Recordings of tool loops hold several calls in sequence: an answer ends after its
   * terminal event, or where a chat completion's id changes.
   */
  readonly answers: readonly (readonly RecordedEvent[])[];
  /** The provider reports a failure in an event. */
  readonly fails: boolean;
  /** The recorded bytes, if they contain more than events: comments, ids, unusual line ends. It is then one answer. */
  readonly body?: string;
  /** The known content of the single answer; otherwise the plainest possible reading finds it. */
  readonly expected?: RecordedAnswer;
}

/** Recordings in one folder. */
export interface Source {
  readonly from: string;
  readonly recordings: readonly Recording[];
  /** The repository's recordings, which every clone has. */
  readonly own: boolean;
}

interface Corpus {
  readonly streams: readonly { readonly provider: string; readonly name: string; readonly events: readonly string[] }[];
}

const TERMINALS = new Set(["message_stop", "response.completed", "response.incomplete", "response.failed"]);

/** The only failing recording of the outer corpus: out of quota. */
const FAILED = "openai/openai-error.1";

/** The recorded streams of real providers; undefined if the corpus is not beside the project. */
export const outerRecordings: readonly Recording[] | undefined = readOuter<Corpus>(
  "corpus/provider-streams.json",
)?.streams.map(({ provider, name, events }) => {
  const dialect = dialectOf(provider, events);
  const title = `${provider}/${name}`;
  return { title, dialect, answers: split(events, dialect), fails: title === FAILED };
});

/** The repository's recordings, and the outer corpus's if it is here. The same must hold for both. */
export const sources: readonly Source[] = [
  { from: "our own recordings", recordings: ownRecordings, own: true },
  ...(outerRecordings ? [{ from: "the outer corpus", recordings: outerRecordings, own: false }] : []),
];

/** The content of a recorded answer, in one of the dialects that know their end. */
export const expectedOf = ({ dialect, expected }: Recording, answer: readonly RecordedEvent[]): RecordedAnswer =>
  expected ?? recordedAnswer(dialect, answer);

function dialectOf(provider: string, events: readonly string[]): DialectName {
  if (provider === "anthropic") return "anthropic-messages";
  if (typeOf(events[0])?.startsWith("response.")) return "openai-responses";
  if (events[0]?.startsWith('{"candidates":')) return "google-gemini";
  // Moonshot's chunks lack `object`; legacy completions have it and carry text.
  const isChat = events.some((data) => data.includes('"delta"')) && events[0]?.includes('"choices"');
  return isChat ? "openai-chat" : "plain-sse";
}

/** The event's type, read from the text because two recorded events are not valid JSON. */
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
