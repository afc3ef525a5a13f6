import { NOT_HERE, readOuter } from "./outer-corpus.ts";
import { readRecording } from "./own-recordings.ts";

/** An answer as it is served, and the events that a reader must find in it. */
export interface SseCase {
  readonly title: string;
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly status: number;
  /** The head makes the answer no event stream. */
  readonly fails: boolean;
  readonly events: readonly { readonly type: string; readonly data: string }[];
}

interface OwnCase extends Partial<Omit<SseCase, "bytes">> {
  readonly title: string;
  readonly input: string;
  readonly events: SseCase["events"];
}

interface WebPlatformCase {
  readonly title: string;
  readonly inputBase64: string;
  readonly contentType: string;
  readonly status: number;
  readonly expectFail: boolean;
  readonly expectEvents: SseCase["events"];
}

const EVENT_STREAM = "text/event-stream";

const own = (JSON.parse(readRecording("sse-syntax.json")) as OwnCase[]).map(
  ({ input, ...given }): SseCase => ({
    contentType: EVENT_STREAM,
    status: 200,
    fails: false,
    ...given,
    bytes: Buffer.from(input),
  }),
);

const outer = readOuter<{ readonly cases: readonly WebPlatformCase[] }>("corpus/wpt-sse-cases.json")?.cases.map(
  ({ title, inputBase64, contentType, status, expectFail, expectEvents }): SseCase => {
    const bytes = Buffer.from(inputBase64, "base64");
    const events = expectEvents.map(({ type, data }) => ({ type, data }));
    const given = { title, bytes, contentType, status };
    // A browser takes 200 and text/event-stream only; here any success that begins like an event stream is one.
    const isTaken = expectFail && status < 300 && bytes.toString().startsWith("data: data\n\n");
    return isTaken
      ? { ...given, title: `${title}; but not here`, fails: false, events: [{ type: "message", data: "data" }] }
      : { ...given, fails: expectFail, events };
  },
);

/** Our own cases, and the web platform tests where they are here; undefined where they are not. */
export const sseCases: readonly { readonly from: string; readonly cases: readonly SseCase[] | undefined }[] = [
  { from: "our own", cases: own },
  { from: outer ? "the web platform tests" : NOT_HERE, cases: outer },
];

/** Cases of the body's syntax: those that fail concern the head of the answer. */
export const isSyntax = ({ fails }: SseCase): boolean => !fails;

/** Cases of the answer's head: its status and media type. */
export const isHead = ({ fails, status, contentType }: SseCase): boolean =>
  fails || status !== 200 || contentType !== EVENT_STREAM;
