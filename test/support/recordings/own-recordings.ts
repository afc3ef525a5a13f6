import { readdirSync, readFileSync } from "node:fs";
import { dialects } from "../../../src/dialects/registry.ts";
import type { RecordedEvent, Recording } from "./corpus.ts";
import type { RecordedAnswer } from "./recorded-answer.ts";

const FOLDER = new URL("../../recordings/", import.meta.url);

/** An index entry for one file of its folder. */
export interface Expected extends RecordedAnswer {
  readonly finish?: string;
  /** The failure the answer ends with. */
  readonly error?: { readonly type?: string; readonly message?: string };
  /** For plain SSE only: the names and data of all events. */
  readonly events?: readonly (readonly [name: string | null, data: string])[];
}

export interface OwnRecording extends Recording {
  /** The stream's bytes in its file. */
  readonly body: string;
  readonly expected: Expected;
}

/** A unary answer. */
export interface UnaryAnswer {
  readonly title: string;
  readonly dialect: Recording["dialect"];
  readonly body: string;
  readonly expected: Expected;
}

/** The text of a file in the folder of recordings. */
export const readRecording = (path: string): string => readFileSync(new URL(path, FOLDER), "utf8");

const files = [...dialects.keys()].flatMap((name) => {
  const dialect = name as Recording["dialect"];
  const index = JSON.parse(readRecording(`${dialect}/index.json`)) as Record<string, Expected>;
  const found = readdirSync(new URL(`${dialect}/`, FOLDER)).filter((file) => file !== "index.json");
  const strays = [
    ...found.filter((file) => !index[file]),
    ...Object.keys(index).filter((file) => !found.includes(file)),
  ];
  if (strays.length > 0) throw new Error(`the files of ${dialect} and its index differ: ${strays.join(", ")}`);
  return Object.entries(index).map(([file, expected]) => {
    const title = `own/${dialect}/${file.replace(/\.\w+$/, "")}`;
    return { file, title, dialect, body: readRecording(`${dialect}/${file}`), expected };
  });
});

/** The streams in the repository, by dialect and in the order of their index. */
export const ownRecordings: readonly OwnRecording[] = files
  .filter(({ file }) => file.endsWith(".sse"))
  .map(({ title, dialect, body, expected }) => {
    const fails = expected.error !== undefined;
    return { title, dialect, body, expected, fails, answers: [readEvents(body)] };
  });

/** The unary answers in the repository. */
export const unaryAnswers: readonly UnaryAnswer[] = files.filter(({ file }) => file.endsWith(".json"));

/** A stream's events, read line by line without the product's code. */
function readEvents(body: string): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  let event: string | undefined;
  let data: string[] = [];
  for (const line of body.split(/\r\n|\r|\n/)) {
    const value = line.slice(line.indexOf(":") + 1).replace(/^ /, "");
    if (line.startsWith("event:")) event = value;
    else if (line.startsWith("data:")) data.push(value);
    else if (line === "") {
      if (data.length > 0) events.push({ event, data: data.join("\n") });
      event = undefined;
      data = [];
    }
  }
  return events;
}
