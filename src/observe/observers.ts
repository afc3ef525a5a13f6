import type { Observer } from "../core/ports/observer.ts";

/** An observer that passes everything on to all of these, in order. */
export const combine = (...observers: readonly Observer[]): Observer => ({
  streamEnded(record) {
    for (const observer of observers) observer.streamEnded(record);
  },
  attemptLeft(record) {
    for (const observer of observers) observer.attemptLeft(record);
  },
  connectionClosed(record) {
    for (const observer of observers) observer.connectionClosed(record);
  },
  refused(record) {
    for (const observer of observers) observer.refused(record);
  },
  fault(error, where) {
    for (const observer of observers) observer.fault(error, where);
  },
});
