/** Runs calls side by side, but those of one lane one after the other, in the order in which they were made. */
export class Lanes {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs the call after those that its lane was given before. Settles as the call does. */
  run<Result>(lane: string, call: () => Promise<Result>): Promise<Result> {
    const result = (this.#last.get(lane) ?? Promise.resolve()).then(call);
    const settled: Promise<void> = result.then(
      () => this.#settled(lane, settled),
      () => this.#settled(lane, settled),
    );
    this.#last.set(lane, settled);
    return result;
  }

  /** Resolves once every call that was made before has settled. */
  async settled(): Promise<void> {
    await Promise.all(this.#last.values());
  }

  #settled(lane: string, settled: Promise<void>): void {
    if (this.#last.get(lane) === settled) this.#last.delete(lane);
  }
}
