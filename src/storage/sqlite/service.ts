/** What a service offers: synchronous operations whose arguments and results can be cloned (`structuredClone`). */
export type Operations<Offered> = { readonly [Name in keyof Offered]: (...args: never[]) => unknown };

/** One call of one of the operations. */
export type Call<Offered extends Operations<Offered>> = {
  readonly [Name in keyof Offered]: { readonly name: Name; readonly args: Parameters<Offered[Name]> };
}[keyof Offered];

/** What came of a call: its result, or what it threw. */
export type Outcome = { readonly value: unknown } | { readonly failure: unknown };

/** What runs in a worker thread: a module exports `open`, which makes one from the channel's data or throws. */
export interface Service<Offered extends Operations<Offered>> {
  /** Carries out the calls that arrived in one turn of the loop, in order. One outcome for each; never throws. */
  answer(calls: readonly Call<Offered>[]): readonly Outcome[];
  /** Called once, when every call has been answered. */
  close(): void;
}

/** Carries out each call by itself: a service's `answer` for operations that gain nothing from being done together. */
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
