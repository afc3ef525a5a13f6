import { parseArgs } from "node:util";
import type { Settings } from "./scenarios/scenario.ts";

export interface Command {
  /** Names of scenarios; none for all. */
  readonly scenarios: readonly string[];
  readonly settings: Settings;
  /** Names of rows; none for all. */
  readonly rows: readonly string[];
  readonly json: string | undefined;
}

export const USAGE = `Usage: npm run bench -- [scenario …] [options]
`;

const OPTIONS = {
  runs: { type: "string", default: "5" },
  streams: { type: "string" },
  rate: { type: "string" },
  duration: { type: "string", default: "1" },
  rows: { type: "string" },
  json: { type: "string" },
} as const;

/** Reads the arguments. Throws on what it does not know. */
export function readCommandLine(args: readonly string[]): Command {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  return {
    scenarios: positionals,
    settings: {
      runs: positive("runs", values.runs),
      windowMs: positive("duration", values.duration) * 1000,
      streams: values.streams === undefined ? undefined : positive("streams", values.streams),
      rate: values.rate === undefined ? undefined : positive("rate", values.rate),
    },
    rows: values.rows?.split(",") ?? [],
    json: values.json,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0`);
  return value;
}
