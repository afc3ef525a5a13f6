/**
 * What this node's streams have spent beyond what is set aside for them, until Redis has answered whether there is more: by account,
 * so that all of them together pass a cap by no more than a slice.
 */
export class RunAhead {
  readonly #tokens = new Map<string, number>();

  /** Of how many accounts some stream is ahead. */
  get size(): number {
    return this.#tokens.size;
  }

  /**
   * A stream of these accounts was ahead by `before` tokens and is now by `after`. Returns by how many all streams are together,
   * in the account where that is most.
   */
  move(accounts: readonly string[], before: number, after: number): number {
    let most = 0;
    for (const account of accounts) {
      const sum = (this.#tokens.get(account) ?? 0) + after - before;
      if (sum > 0) this.#tokens.set(account, sum);
      else this.#tokens.delete(account);
      most = Math.max(most, sum);
    }
    return most;
  }
}
