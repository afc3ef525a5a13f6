import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import { Answer, type AnswerState, NO_ANSWER } from "./answer.ts";
import type { OpenOptions } from "./options.ts";
import type { Sluice } from "./sluice.ts";

/** An answer for a component, and how to stop it. */
export interface UsedStream extends AnswerState {
  /** Ends the answer; what came stays. */
  readonly cancel: () => void;
}

/**
 * The answer to a request, as it grows. A new one begins when `request` changes in content, and is cancelled when the
 * component goes or `request` becomes undefined. Renders at most once a frame or so: 60 times a second.
 */
export function useStream(sluice: Sluice, request: Omit<OpenOptions, "signal" | "leave"> | undefined): UsedStream {
  const key = request && JSON.stringify(request);
  const answer = useMemo(() => (key === undefined ? undefined : new Answer(sluice, JSON.parse(key))), [sluice, key]);
  useEffect(() => answer?.start(), [answer]);
  const subscribe = useCallback((listener: () => void) => answer?.subscribe(listener) ?? (() => {}), [answer]);
  const read = () => answer?.state ?? NO_ANSWER;
  const state = useSyncExternalStore(subscribe, read, read);
  return useMemo(() => ({ ...state, cancel: () => answer?.cancel() }), [state, answer]);
}
