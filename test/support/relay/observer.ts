import type { Observer } from "../../../src/core/ports/observer.ts";

/** An observer that ignores everything but what these methods hear. */
export const observerOf = (heard: Partial<Observer> = {}): Observer => ({
  streamEnded() {},
  attemptLeft() {},
  connectionClosed() {},
  refused() {},
  fault() {},
  ...heard,
});
