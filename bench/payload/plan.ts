import { isPayloadName, type PayloadName } from "./shape.ts";

/** What the upstream plays for one stream. It travels in the prompt, which every gateway passes on. */
export interface Plan {
  /** Identifies the stream in each of its events. */
  readonly key: number;
  /** From the request to the first event, in milliseconds. */
  readonly firstMs: number;
  /** Writes per second; 0 writes as fast as the socket accepts. */
  readonly writesPerSecond: number;
  /** Events per write. */
  readonly burst: number;
  /** Events of the whole stream. */
  readonly count: number;
  /** The least bytes of one event as SSE; its text is filled up to them. With 0 it is as long as its payload makes it. */
  readonly bytes: number;
  /** How the events look. */
  readonly payload: PayloadName;
  /** The upstream's report sums the streams of a group. */
  readonly group: number;
}

export const DEFAULT_PLAN: Plan = {
  key: 0,
  firstMs: 0,
  writesPerSecond: 50,
  burst: 1,
  count: 100,
  bytes: 0,
  payload: "openai",
  group: 0,
};

/** A stream of which only the first event matters. */
export const SHORT_PLAN: Plan = { ...DEFAULT_PLAN, count: 1 };

/** More events than any run reads: the stream lasts until it is cancelled. */
export const ENDLESS = 99_999_999;

const FIELDS = Object.keys(DEFAULT_PLAN) as (keyof Plan)[];

/** The plan as a word that can be anywhere in a prompt. */
export const writePlan = (plan: Plan): string => `bench:${FIELDS.map((name) => `${name}=${plan[name]}`).join(";")}`;

/** The last plan in a request's text, JSON or not; missing values come from the default plan. */
export function readPlan(text: string): Plan {
  const words = [...text.matchAll(/bench:([A-Za-z0-9=.;]+)/g)];
  const given = new Map((words.at(-1)?.[1] ?? "").split(";").map((pair) => pair.split("=") as [string, string]));
  const plan = FIELDS.map((name) => [name, valueIn(name, given.get(name)) ?? DEFAULT_PLAN[name]]);
  return Object.fromEntries(plan) as unknown as Plan;
}

function valueIn(name: keyof Plan, text: string | undefined): number | PayloadName | undefined {
  if (text === undefined) return undefined;
  if (name === "payload") return isPayloadName(text) ? text : undefined;
  return Number.isFinite(Number(text)) ? Number(text) : undefined;
}
