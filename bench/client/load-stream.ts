import { nowUs } from "../payload/clock.ts";
import { EventReader } from "../payload/event-reader.ts";
import type { Plan } from "../payload/plan.ts";
import type { Tally } from "./tally.ts";

const readers = new Map<string, EventReader>();

function readerFor({ payload, bytes }: Plan): EventReader {
  const id = `${payload} ${bytes}`;
  let reader = readers.get(id);
  if (!reader) {
    reader = new EventReader(payload, bytes);
    readers.set(id, reader);
  }
  return reader;
}

/** A stream as the client sees it: checks the position and the bytes of every payload. */
export class LoadStream {
  readonly plan: Plan;
  /** Whether it is a probe, whose first event is timed. */
  readonly probe: boolean;
  /** Its events are not counted. */
  readonly faulty: boolean;
  readonly #tally: Tally;
  readonly #reader: EventReader;
  readonly #ended: (failed: boolean) => void;
  #startedUs = 0;
  #next = 1;
  #lastReadUs = 0;
  #over = false;

  constructor(
    plan: Plan,
    tally: Tally,
    role: "steady" | "probe" | "faulty",
    ended: (failed: boolean) => void = () => undefined,
  ) {
    this.plan = plan;
    this.probe = role === "probe";
    this.faulty = role === "faulty";
    this.#tally = tally;
    this.#reader = readerFor(plan);
    this.#ended = ended;
  }

  get begun(): boolean {
    return this.#next > 1 || this.#over;
  }

  get over(): boolean {
    return this.#over;
  }

  /** The request is being written now. */
  started(): void {
    this.#startedUs = nowUs();
  }

  /** The upstream's data as bytes; `arrivedUs` is when the read that delivered it returned. */
  payload(buffer: Buffer, start: number, end: number, arrivedUs: number): void {
    this.#classify(this.#reader.read(buffer, start, end), arrivedUs);
  }

  payloadText(text: string, arrivedUs: number): void {
    this.#classify(this.#reader.readText(text), arrivedUs);
  }

  /** The text of one event, by a gateway that puts it into a form of its own. */
  text(text: string, arrivedUs: number): void {
    this.#classify(this.#reader.readContent(text), arrivedUs);
  }

  /** The stream ended, normally if `reason` is undefined. */
  end(reason?: string): void {
    if (this.#over) return;
    this.#over = true;
    if (reason !== undefined) this.#tally.failed(reason);
    else if (this.#next <= this.plan.count) this.#tally.lost += this.plan.count + 1 - this.#next;
    this.#ended(reason !== undefined);
  }

  /** The client gave up on it; ignores what still arrives. */
  drop(): void {
    this.#over = true;
  }

  cancelledNow(): void {
    this.#tally.cancelled[this.plan.key] = nowUs();
  }

  #classify(verdict: ReturnType<EventReader["read"]>, arrivedUs: number): void {
    if (this.#over || verdict === "edge") return;
    if (verdict === "unstamped") this.#unstamped(arrivedUs);
    else if (verdict === "corrupt" || this.#reader.key !== this.plan.key) this.#tally.corrupt++;
    else this.#event(this.#reader.seq, this.#reader.timeUs, arrivedUs);
  }

  #event(seq: number, stampUs: number, arrivedUs: number): void {
    if (seq < this.#next) {
      this.#tally.duplicated++;
      return;
    }
    this.#tally.lost += seq - this.#next;
    if (this.#next === 1) this.#first(arrivedUs);
    this.#next = seq + 1;
    if (!this.#tally.recording || this.probe || this.faulty) return;
    this.#tally.events++;
    if (arrivedUs === this.#lastReadUs) this.#tally.lumped++;
    this.#lastReadUs = arrivedUs;
    this.#tally.latency.record(arrivedUs - stampUs);
  }

  /** For a foreign upstream: only the arrival can be recorded. */
  #unstamped(arrivedUs: number): void {
    this.#tally.unstamped++;
    if (this.#next === 1) this.#first(arrivedUs);
    this.#next++;
    if (this.#tally.recording && !this.probe && !this.faulty) this.#tally.events++;
  }

  #first(arrivedUs: number): void {
    if (this.probe) this.#tally.ttft.record(arrivedUs - this.#startedUs);
  }
}
