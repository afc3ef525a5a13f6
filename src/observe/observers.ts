import type { Observer } from "../core/ports/observer.ts";

/** An observer that passes on to all of these what each wants to hear, in order. */
export const combine = (...observers: readonly Partial<Observer>[]): Observer => ({
  streamEnded(record) {
    for (const observer of observers) observer.streamEnded?.(record);
  },
  attemptLeft(record) {
    for (const observer of observers) observer.attemptLeft?.(record);
  },
  connectionClosed(record) {
    for (const observer of observers) observer.connectionClosed?.(record);
  },
  refused(record) {
    for (const observer of observers) observer.refused?.(record);
  },
  fault(error, where) {
    for (const observer of observers) observer.fault?.(error, where);
  },
});
