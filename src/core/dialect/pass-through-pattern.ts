/** The methods of pass-through requests. */
export const PASS_THROUGH_METHODS = ["GET", "POST", "DELETE"] as const;
/** See `PASS_THROUGH_METHODS`. */
export type PassThroughMethod = (typeof PASS_THROUGH_METHODS)[number];

/** An entry of a route's `passThrough`: a method and a path, in which `*` stands for one segment. */
export interface PassThroughPattern {
  readonly method: PassThroughMethod;
  readonly segments: readonly string[];
  /** As it was written: `GET /v1/files/*`. */
  readonly text: string;
  /** The text: a printed configuration has what its file has. */
  toJSON(): string;
}

/**
 * One segment of a pass-through path. No percent sign: a proxy or provider that decodes `%2e` or `%2f` would read
 * another path than was checked here. Neither `..;` nor `..;a=b`: servers that take parameters off a segment read `..`.
 */
const SEGMENT = /^(?!\.{1,2}(?:;|$))[\w.~!$&'()+,;=:@-]+$/;

/** Reads `POST /v1/embeddings` or `GET /v1/files/*`; undefined unless it has that form, below a literal segment of `/v1`. */
export function readPassThroughPattern(text: string): PassThroughPattern | undefined {
  const [, name, path = ""] = /^([A-Z]+) (\/v1\/.+)$/.exec(text) ?? [];
  const method = PASS_THROUGH_METHODS.find((each) => each === name);
  const segments = path.split("/").slice(1);
  const isPath = segments.every((segment, at) => (segment === "*" && at > 1) || SEGMENT.test(segment));
  return method && isPath ? { method, segments, text, toJSON: () => text } : undefined;
}

/** Whether a request fits the pattern. */
export function fits({ method, segments }: PassThroughPattern, asked: string, path: string): boolean {
  const given = path.split("/").slice(1);
  return (
    asked === method &&
    given.length === segments.length &&
    given.every((segment, at) => SEGMENT.test(segment) && (segments[at] === "*" || segments[at] === segment))
  );
}

/** Whether some request fits both. */
export function overlaps(a: PassThroughPattern, b: PassThroughPattern): boolean {
  return (
    a.method === b.method &&
    a.segments.length === b.segments.length &&
    a.segments.every((segment, at) => segment === "*" || b.segments[at] === "*" || b.segments[at] === segment)
  );
}
