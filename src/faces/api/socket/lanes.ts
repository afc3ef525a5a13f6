import type { CreateFrame } from "./client-frame.ts";
import type { ResponseReader } from "./response-reader.ts";
import { tooManyLanes } from "./socket-refusal.ts";

/** A request that waits for the one before it on its lane. */
export interface Waiting {
  readonly frame: CreateFrame;
  /** Characters of the frame as it came. */
  readonly size: number;
  /** Clock reading when it arrived, in milliseconds. */
  readonly receivedAt: number;
}

/** OpenAI's limits for one socket. */
const MAX_RUNNING = 16;
const MAX_NAMED = 32;
/** Requests that may wait on one socket. */
const MAX_WAITING = 16;

interface Lane {
  running: ResponseReader | undefined;
  readonly waiting: Waiting[];
}

/** The lanes of one socket: on each, one response at a time in the order of its requests; side by side otherwise. */
export class Lanes {
  readonly #lanes = new Map<string | undefined, Lane>();
  readonly #maxWaitingSize: number;
  readonly #start: (waiting: Waiting) => ResponseReader | undefined;
  #waitingSize = 0;

  /**
   * `maxWaitingSize`: characters of all frames that wait. `start` begins a response, and returns undefined for one that is
   * over already.
   */
  constructor(maxWaitingSize: number, start: (waiting: Waiting) => ResponseReader | undefined) {
    this.#maxWaitingSize = maxWaitingSize;
    this.#start = start;
  }

  /** The responses that run. */
  get running(): readonly ResponseReader[] {
    return [...this.#lanes.values()].flatMap(({ running }) => running ?? []);
  }

  /** The response that runs on a lane. */
  on(name: string | undefined): ResponseReader | undefined {
    return this.#lanes.get(name)?.running;
  }

  /** Starts a request, or lets it wait for its lane. Throws SocketRefusal beyond the limits. */
  submit(request: Waiting): void {
    const { lane: name } = request.frame;
    const lane = this.#lanes.get(name) ?? this.#add(name);
    if (lane.running) {
      const waiting = [...this.#lanes.values()].reduce((sum, one) => sum + one.waiting.length, 0);
      if (waiting >= MAX_WAITING || this.#waitingSize + request.size > this.#maxWaitingSize) {
        throw tooManyLanes("too many requests wait on this connection");
      }
      this.#waitingSize += request.size;
      lane.waiting.push(request);
    } else if (this.running.length >= MAX_RUNNING) {
      throw tooManyLanes(`${MAX_RUNNING} responses run on this connection`);
    } else {
      lane.running = this.#start(request);
    }
  }

  /** A lane's response is over: its next one starts. */
  over(name: string | undefined): void {
    const lane = this.#lanes.get(name);
    if (!lane) return;
    lane.running = undefined;
    while (!lane.running) {
      const next = lane.waiting.shift();
      if (!next) return;
      this.#waitingSize -= next.size;
      lane.running = this.#start(next);
    }
  }

  #add(name: string | undefined): Lane {
    const named = this.#lanes.size - Number(this.#lanes.has(undefined));
    if (name !== undefined && named >= MAX_NAMED) throw tooManyLanes(`this connection has ${MAX_NAMED} lanes`);
    const lane: Lane = { running: undefined, waiting: [] };
    this.#lanes.set(name, lane);
    return lane;
  }
}
