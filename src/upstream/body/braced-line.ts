/** What is known of bytes of an event stream, cut anywhere. */
export interface ReadFacts {
  /** They begin where a line does. */
  readonly isAtLineStart: boolean;
  /** A carriage return came before: a line feed that follows belongs to it. */
  readonly isAfterReturn: boolean;
  /** They completed an event. */
  readonly hasEvent: boolean;
}

/** Where the first line begins that does so with a brace, after all events that these bytes completed; else -1. */
export function bracedLineIn(bytes: string, { isAtLineStart, isAfterReturn, hasEvent }: ReadFacts): number {
  const first = isAtLineStart && beginsInBrace(bytes, 0) ? 0 : bracedLineAfter(bytes, 0);
  if (first === -1 || !hasEvent) return first;
  const from = isAfterReturn && bytes.startsWith("\n") ? 1 : 0;
  const end = endOfLastEvent(bytes, { from, isInLine: !isAtLineStart });
  if (first >= end) return first;
  return beginsInBrace(bytes, end) ? end : bracedLineAfter(bytes, end);
}

const beginsInBrace = (bytes: string, at: number) => bytes.startsWith("{", at) || bytes.startsWith("[", at);

/** Where the first line begins with a brace, but for one at `from`; else -1. Each chunk of a stream asks it. */
function bracedLineAfter(bytes: string, from: number): number {
  const feed = bytes.indexOf("\n{", from);
  const carriage = bytes.indexOf("\r{", from);
  if (feed === -1) return carriage === -1 ? -1 : carriage + 1;
  return (carriage === -1 ? feed : Math.min(feed, carriage)) + 1;
}

/** Where the last event ends that these bytes, from `from` on, completed, of which there is one. `isInLine`: a line began before. */
function endOfLastEvent(
  bytes: string,
  { from, isInLine }: { readonly from: number; readonly isInLine: boolean },
): number {
  let [start, end, firstBlank, hasData, isRest] = [from, 0, 0, false, isInLine];
  for (const { 0: mark, index } of bytes.slice(from).matchAll(/\r\n|\n|\r/g)) {
    const [at, after] = [from + index, from + index + mark.length];
    if (at > start || isRest) hasData ||= !isRest && isData(bytes, start, at);
    else {
      if (hasData) end = after;
      firstBlank ||= after;
      hasData = false;
    }
    isRest = false;
    start = after;
  }
  // All of its data came before.
  return end || firstBlank;
}

const isData = (bytes: string, from: number, to: number) =>
  bytes.startsWith("data:", from) || (to - from === 4 && bytes.startsWith("data", from));
