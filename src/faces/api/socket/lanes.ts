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

/** A request with the memory it takes. */
interface Kept {
  readonly request: Waiting;
  readonly room: { release(): void };
}

interface Lane {
  running: ResponseReader | undefined;
  readonly waiting: Kept[];
}

/** The lanes of one socket: on each, one response at a time in the order of its requests; side by side otherwise. */
export class Lanes {
  readonly #lanes = new Map<string | undefined, Lane>();
  readonly #maxWaitingSize: number;
  readonly #reserve: (waiting: Waiting) => { release(): void };
  readonly #start: (waiting: Waiting) => ResponseReader | undefined;
  #waitingSize = 0;

  /**
   * `maxWaitingSize`: characters of all frames that wait. `reserve` takes the memory for one of them, and may throw. `start`
   * begins a response, and returns undefined for one that is over already.
   */
  constructor(
    maxWaitingSize: number,
    reserve: (waiting: Waiting) => { release(): void },
    start: (waiting: Waiting) => ResponseReader | undefined,
  ) {
    this.#maxWaitingSize = maxWaitingSize;
    this.#reserve = reserve;
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

  /** Starts a request, or lets it wait for its lane. Throws SocketRefusal beyond the limits, and what `reserve` throws. */
  submit(request: Waiting): void {
    const { lane: name } = request.frame;
    const lane = this.#lanes.get(name);
    if (lane?.running) {
      const waiting = [...this.#lanes.values()].reduce((sum, one) => sum + one.waiting.length, 0);
      if (waiting >= MAX_WAITING || this.#waitingSize + request.size > this.#maxWaitingSize) {
        throw tooManyLanes("too many requests wait on this connection");
      }
      const room = this.#reserve(request);
      this.#waitingSize += request.size;
      lane.waiting.push({ request, room });
    } else if (this.running.length >= MAX_RUNNING) {
      throw tooManyLanes(`${MAX_RUNNING} responses run on this connection`);
    } else {
      const own = lane ?? this.#add(name);
      own.running = this.#start(request);
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
      this.#left(next);
      lane.running = this.#start(next.request);
    }
  }

  /** Forgets the requests that wait: the socket is closed. */
  close(): void {
    for (const { waiting } of this.#lanes.values()) for (const one of waiting.splice(0)) this.#left(one);
  }

  #left({ request, room }: Kept): void {
    this.#waitingSize -= request.size;
    room.release();
  }

  #add(name: string | undefined): Lane {
    const named = this.#lanes.size - Number(this.#lanes.has(undefined));
    if (name !== undefined && named >= MAX_NAMED) throw tooManyLanes(`this connection has ${MAX_NAMED} lanes`);
    const lane: Lane = { running: undefined, waiting: [] };
    this.#lanes.set(name, lane);
    return lane;
  }
}
