import type { Clock } from "../../../src/core/kernel/clock.ts";
import type { Timers } from "../../../src/upstream/policy/running-time.ts";

interface Due {
  readonly at: number;
  readonly work: () => void;
}

/** A clock and timers that a test advances. All times are in milliseconds. */
export class TestTime implements Clock, Timers {
  #now = 0;
  #wall = 0;
  readonly #due = new Set<Due>();

  now = (): number => this.#now;
  wall = (): number => this.#wall;

  after(ms: number, work: () => void): () => void {
    const due = { at: this.#now + ms, work };
    this.#due.add(due);
    return () => void this.#due.delete(due);
  }

  /** Advances time; each timer fires when it is due. */
  pass(ms: number): void {
    const to = this.#now + ms;
    for (let next = this.#next(to); next; next = this.#next(to)) {
      this.#move(next.at - this.#now);
      this.#run(next);
    }
    this.#move(to - this.#now);
  }

  /** Advances time while the process is stopped: all due timers fire when it continues. */
  freeze(ms: number): void {
    this.#move(ms);
    for (let next = this.#next(this.#now); next; next = this.#next(this.#now)) this.#run(next);
  }

  /** Advances time without firing timers. */
  passUnseen(ms: number): void {
    this.#move(ms);
  }

  /** The machine sleeps: only the wall clock advances. */
  sleep(ms: number): void {
    this.#wall += ms;
  }

  #move(ms: number): void {
    this.#now += ms;
    this.#wall += ms;
  }

  #next(to: number): Due | undefined {
    const [first] = [...this.#due].filter(({ at }) => at <= to).sort((left, right) => left.at - right.at);
    return first;
  }

  #run(due: Due): void {
    this.#due.delete(due);
    due.work();
  }
}
