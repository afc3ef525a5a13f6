import { setTimeout } from "node:timers/promises";
import { startContainer } from "./container.ts";
import type { Scenario } from "./scenarios.ts";

export interface Outcome {
  /** How the process ended; undefined while it runs. */
  readonly exit: number | string | undefined;
  /** Why the scenario was not played to its end. */
  readonly fault: string | undefined;
  readonly peakMib: number;
  readonly groupPeakMib: number | undefined;
  readonly seconds: number;
  /** The bystander's streams: how many completed, and why the others did not. */
  readonly completed: number;
  readonly failures: Readonly<Record<string, number>>;
  /** Whether the stream completed that began after everything. */
  readonly lastCompleted: boolean;
}

/** Pause between two streams of the bystander. */
const PAUSE_MS = 200;
/** How long the bystander retries afterwards: longer than lateness is remembered. */
const COME_BACK_MS = 20_000;

/** Plays a scenario against a gateway of its own. */
export async function play(scenario: Scenario): Promise<Outcome> {
  await using container = await startContainer();
  const { gateway } = container;
  let exit: number | string | undefined;
  void gateway.exit.then((how) => {
    exit = how;
  });
  const startedAt = performance.now();
  let over = false;
  let fault: string | undefined;
  const playing = scenario(gateway.url)
    .catch((error: unknown) => {
      fault = String(error);
    })
    .finally(() => {
      over = true;
    });
  let completed = 0;
  const failures: Record<string, number> = {};
  const ask = async (): Promise<boolean> => {
    try {
      await container.smallStream();
      completed++;
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      failures[why] = (failures[why] ?? 0) + 1;
      return false;
    }
  };
  while (!over && exit === undefined) {
    await ask();
    await setTimeout(PAUSE_MS);
  }
  if (exit === undefined) await playing;
  let lastCompleted = false;
  // Event loop delay counts for some seconds: refused clients are told to come back, and do.
  for (const until = performance.now() + COME_BACK_MS; !lastCompleted && exit === undefined; ) {
    lastCompleted = await ask();
    if (performance.now() > until) break;
    if (!lastCompleted) await setTimeout(PAUSE_MS);
  }
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const peakMib = exit === undefined ? container.peakMib : Number.POSITIVE_INFINITY;
  return { exit, fault, peakMib, groupPeakMib: container.groupPeakMib, seconds, completed, failures, lastCompleted };
}
