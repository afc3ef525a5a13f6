import { setTimeout as sleep } from "node:timers/promises";
import { Histogram, type HistogramData } from "../figures/histogram.ts";
import { nowUs } from "../payload/clock.ts";
import { type Plan, writePlan } from "../payload/plan.ts";
import { ChatSocket, type ChatTurn } from "./chat-socket.ts";

/** A gateway that speaks OpenClaw's protocol. */
export interface ChatTarget {
  readonly url: string;
  readonly token?: string;
}

/** Several conversations at once, one turn each. */
export interface ChatJob {
  readonly target: ChatTarget;
  readonly turns: number;
  readonly plan: Plan;
}

export interface ChatResult {
  /** Message sent → the upstream wrote its first event. */
  readonly prepared: HistogramData;
  /** The upstream's first event → the first frame that holds it. */
  readonly first: HistogramData;
  /** The upstream's last event → the first frame that holds it. */
  readonly last: HistogramData;
  /** Frames with text, and bytes of all frames, summed over the turns. */
  readonly textFrames: number;
  readonly bytes: number;
  readonly characters: number;
  readonly failed: number;
}

const TURN_TIMEOUT_MS = 60_000;

/** Sends one message in each of several new conversations and reads the answers. Rejects if the gateway refuses a client. */
export async function loadChats({ target, turns, plan }: ChatJob): Promise<ChatResult> {
  const socket = await ChatSocket.open(target.url, target.token);
  const histograms = { prepared: new Histogram(), first: new Histogram(), last: new Histogram() };
  const done = await Promise.all(
    Array.from({ length: turns }, (_, index) => {
      const key = index + 1;
      const sentUs = nowUs();
      const turn = socket.send(writePlan({ ...plan, key }), `bench-${process.pid}-${key}`);
      return Promise.race([turn, sleep(TURN_TIMEOUT_MS, undefined, { ref: false })]).then((end) => {
        if (end?.firstStampUs !== undefined) record(end, sentUs, histograms);
        return end;
      });
    }),
  );
  const answered = done.filter((turn): turn is ChatTurn => turn?.lastSeq === plan.count);
  const sum = (figure: (turn: ChatTurn) => number) => answered.reduce((total, turn) => total + figure(turn), 0);
  return {
    prepared: histograms.prepared.toData(),
    first: histograms.first.toData(),
    last: histograms.last.toData(),
    textFrames: sum(({ textFrames }) => textFrames),
    bytes: sum(({ bytes }) => bytes),
    characters: sum(({ characters }) => characters),
    failed: turns - answered.length,
  };
}

function record(
  turn: ChatTurn,
  sentUs: number,
  { prepared, first, last }: { prepared: Histogram; first: Histogram; last: Histogram },
): void {
  prepared.record((turn.firstStampUs ?? 0) - sentUs);
  first.record(turn.firstSeenUs - (turn.firstStampUs ?? 0));
  last.record(turn.lastSeenUs - turn.lastStampUs);
}
