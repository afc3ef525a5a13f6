/** The last segment that a base URL may share with an API path: a version, or the end of an endpoint. */
const OVERLAP_ENDS = /^(?:v\d+|messages|completions|responses)$/;

/**
 * Returns a function from a path below a base URL to a request's path and query. Base URLs often have a slash, a `/v1` or the
 * endpoint too many, which vendors' own clients accept: shared segments are written once. With nothing below it, the base
 * URL's path is used unchanged.
 */
export function requestPath(base: URL, query: Readonly<Record<string, string>> = {}): (below: string) => string {
  const parameters = new URLSearchParams(query).toString();
  return (below) => {
    const [path = "", own = ""] = below.split("?", 2);
    const search = [own, parameters].filter((part) => part !== "").join("&");
    return (path === "" ? base.pathname : joined(base.pathname, path)) + (search === "" ? "" : `?${search}`);
  };
}

function joined(base: string, below: string): string {
  const before = withoutRepeatedVersion(segmentsOf(base));
  const behind = segmentsOf(below);
  return `/${[...before.slice(0, before.length - overlapOf(before, behind)), ...behind].join("/")}`;
}

const segmentsOf = (path: string) => path.split("/").filter((segment) => segment !== "");

const withoutRepeatedVersion = (segments: readonly string[]) =>
  segments.filter((segment, at) => !(/^v\d+$/.test(segment) && segment === segments[at - 1]));

/** How many segments at the end of `before` are also the start of `behind`. */
function overlapOf(before: readonly string[], behind: readonly string[]): number {
  for (let length = Math.min(before.length, behind.length); length > 0; length--) {
    const shared = before.slice(-length);
    if (OVERLAP_ENDS.test(shared.at(-1) ?? "") && shared.every((segment, at) => segment === behind[at])) return length;
  }
  return 0;
}
