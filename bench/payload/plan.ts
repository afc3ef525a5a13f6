/** What the upstream is asked to play for one stream. It travels in the prompt, which every gateway passes on. */
export interface Plan {
  /** Names the stream in each of its events. */
  readonly key: number;
  /** From the request to the first event, in milliseconds. */
  readonly firstMs: number;
  /** Writes a second; 0 writes as fast as the socket takes it. */
  readonly writesPerSecond: number;
  /** Events in one write. */
  readonly burst: number;
  /** Events of the whole stream. */
  readonly count: number;
  /** Bytes of one event, `data: ` and the blank line included. */
  readonly bytes: number;
  /** Streams with the same group are added up in the upstream's report. */
  readonly group: number;
}

export const DEFAULT_PLAN: Plan = {
  key: 0,
  firstMs: 0,
  writesPerSecond: 50,
  burst: 1,
  count: 100,
  bytes: 230,
  group: 0,
};

/** A stream whose first event is what matters. */
export const SHORT_PLAN: Plan = { ...DEFAULT_PLAN, count: 1 };

/** More events than any run reads: the stream lasts until it is cancelled. */
export const ENDLESS = 99_999_999;

const FIELDS = Object.keys(DEFAULT_PLAN) as (keyof Plan)[];

/** The plan as a word that can stand anywhere in a prompt. */
export const writePlan = (plan: Plan): string => `bench:${FIELDS.map((name) => `${name}=${plan[name]}`).join(";")}`;

/** The last plan in a request's text, be it JSON or not; what it does not name is as in the default one. */
export function readPlan(text: string): Plan {
  const words = [...text.matchAll(/bench:([A-Za-z0-9=.;]+)/g)];
  const given = new Map((words.at(-1)?.[1] ?? "").split(";").map((pair) => pair.split("=") as [string, string]));
  const plan = FIELDS.map((name) => {
    const value = Number(given.get(name));
    return [name, given.has(name) && Number.isFinite(value) ? value : DEFAULT_PLAN[name]];
  });
  return Object.fromEntries(plan) as unknown as Plan;
}
