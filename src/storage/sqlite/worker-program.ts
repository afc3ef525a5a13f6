import { parentPort } from "node:worker_threads";

/** What a thread offers: synchronous operations whose arguments and results can be cloned (`structuredClone`). */
export type Operations<Offered> = { readonly [Name in keyof Offered]: (...args: never[]) => unknown };

/** One call of one of the operations. */
export type Call<Offered extends Operations<Offered>> = {
  readonly [Name in keyof Offered]: { readonly name: Name; readonly args: Parameters<Offered[Name]> };
}[keyof Offered];

/** What came of a call: its result, or what it threw. */
export type Outcome = { readonly value: unknown } | { readonly failure: unknown };

/** A message to a thread. */
export type ToWorker<Offered extends Operations<Offered>> =
  | { readonly id: number; readonly call: Call<Offered> }
  | "close";
/** A message from a thread, after its first one, "ready". */
export type FromWorker = { readonly id: number; readonly outcome: Outcome };

interface Service<Offered extends Operations<Offered>> {
  /** Carries out the calls that arrived in one turn of the loop, in order. One outcome for each; never throws. */
  answer(calls: readonly Call<Offered>[]): readonly Outcome[];
  /** Called once, when every call has been answered. */
  close(): void;
}

/** Runs this worker thread as the other end of a `WorkerChannel`, until the channel closes it. */
export function serve<Offered extends Operations<Offered>>({ answer, close }: Service<Offered>): void {
  if (!parentPort) throw new Error("this file runs as a worker thread");
  const port = parentPort;
  let waiting: { readonly id: number; readonly call: Call<Offered> }[] = [];
  const work = () => {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    const outcomes = answer(batch.map(({ call }) => call));
    outcomes.forEach((outcome, index) => {
      const id = batch[index]?.id;
      if (id !== undefined) port.postMessage({ id, outcome } satisfies FromWorker);
    });
  };
  port.on("message", (message: ToWorker<Offered>) => {
    if (message === "close") {
      work();
      close();
      // Without its port the thread has nothing left to do, and ends.
      port.close();
    } else if (waiting.push(message) === 1) setImmediate(work);
  });
  port.postMessage("ready");
}

/** Carries out each call by itself: `serve`'s `answer` for operations that gain nothing from being done together. */
export const oneByOne =
  <Offered extends Operations<Offered>>(offered: Offered) =>
  (calls: readonly Call<Offered>[]): readonly Outcome[] =>
    calls.map((call) => {
      try {
        return { value: Reflect.apply(offered[call.name], offered, call.args) };
      } catch (failure) {
        return { failure };
      }
    });
