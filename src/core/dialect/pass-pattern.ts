/** The methods of requests that are passed on. */
export const PASS_METHODS = ["GET", "POST", "DELETE"] as const;
/** See `PASS_METHODS`. */
export type PassMethod = (typeof PASS_METHODS)[number];

/** Requests that a route passes on as they are: a method and a path, in which `*` stands for one segment. */
export interface PassPattern {
  readonly method: PassMethod;
  readonly segments: readonly string[];
  /** As it was written: `GET /v1/files/*`. */
  readonly text: string;
  /** The text: a printed configuration has what its file has. */
  toJSON(): string;
}

/**
 * One segment of a path that is passed on. No percent sign: a proxy or provider that decodes `%2e` or `%2f` would read
 * another path than was checked here. Neither `..;` nor `..;a=b`: servers that take parameters off a segment read `..`.
 */
const SEGMENT = /^(?!\.{1,2}(?:;|$))[\w.~!$&'()+,;=:@-]+$/;

/** Reads `POST /v1/embeddings` or `GET /v1/files/*`; undefined unless it has that form, below a literal segment of `/v1`. */
export function readPassPattern(text: string): PassPattern | undefined {
  const [, name, path = ""] = /^([A-Z]+) (\/v1\/.+)$/.exec(text) ?? [];
  const method = PASS_METHODS.find((each) => each === name);
  const segments = path.split("/").slice(1);
  const isPath = segments.every((segment, at) => (segment === "*" && at > 1) || SEGMENT.test(segment));
  return method && isPath ? { method, segments, text, toJSON: () => text } : undefined;
}

/** Whether a request is one of the pattern's. */
export function isPassed({ method, segments }: PassPattern, asked: string, path: string): boolean {
  const given = path.split("/").slice(1);
  return (
    asked === method &&
    given.length === segments.length &&
    given.every((segment, at) => SEGMENT.test(segment) && (segments[at] === "*" || segments[at] === segment))
  );
}

/** Whether some request is one of both. */
export function overlaps(a: PassPattern, b: PassPattern): boolean {
  return (
    a.method === b.method &&
    a.segments.length === b.segments.length &&
    a.segments.every((segment, at) => segment === "*" || b.segments[at] === "*" || b.segments[at] === segment)
  );
}
