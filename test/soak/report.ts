/** A figure of a report; with a limit it passes or fails. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  run(options: SoakOptions): Promise<readonly Figure[]>;
}

export interface SoakOptions {
  readonly events: number;
  readonly seed: number;
  /** Kills, instead of as many as the scenario makes by itself: a thousand of `ledger-kills`, a hundred of `killed-chats`. */
  readonly kills?: number | undefined;
  /** Streams of `bill`, instead of ten thousand; streams at once, or callers, of `cluster`. */
  readonly streams?: number | undefined;
  /** Seconds of each half of `faces` and `sockets`, instead of 300. */
  readonly halfSeconds?: number | undefined;
}

export const MIB = 1_048_576;

export function passes({ value, atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY }: Figure) {
  return value <= atMost && value >= atLeast;
}

const number = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: 2 });

export function lineFor(figure: Figure): string {
  const { name, value, unit, atMost, atLeast } = figure;
  const limits = [
    ...(atLeast === undefined ? [] : [`at least ${number(atLeast)}`]),
    ...(atMost === undefined ? [] : [`at most ${number(atMost)}`]),
  ];
  const verdict = limits.length === 0 ? "" : `  ${passes(figure) ? "PASS" : "FAIL"} (${limits.join(", ")})`;
  return `  ${name.padEnd(44)} ${number(value).padStart(14)} ${unit}${verdict}`;
}

/** The quantile of the values for this share. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
