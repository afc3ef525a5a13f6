/** Those who wait for something that may come at any moment. */
export class Waiting {
  #next = Promise.withResolvers<void>();

  /** Resolves when it has come. */
  wait(): Promise<void> {
    return this.#next.promise;
  }

  /** It has come. */
  end(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}
