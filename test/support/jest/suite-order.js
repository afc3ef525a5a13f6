import TestSequencer from "@jest/test-sequencer";

/** Suites that mostly wait: for leases, other processes, databases. */
const WAITS = /\/test\/(cluster|deploy|workers|transport\/nodes|e2e)\//;

/**
 * Jest's own order, the longest first, but those that wait spread evenly among those that compute: side by side they would leave
 * the processors idle.
 */
export default class SuiteOrder extends TestSequencer {
  sort(tests) {
    const ordered = super.sort(tests);
    const place = new Map();
    for (const isWaiting of [true, false]) {
      const kind = ordered.filter(({ path }) => WAITS.test(path) === isWaiting);
      kind.forEach((suite, at) => {
        place.set(suite, at / kind.length);
      });
    }
    return ordered.toSorted((a, b) => place.get(a) - place.get(b));
  }
}
