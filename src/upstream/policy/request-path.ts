/** Up to a segment like these a base URL may reach into the paths of its API: a version, or the last of an endpoint. */
const OVERLAP_ENDS = /^(?:v\d+|messages|completions|responses)$/;

/**
 * The path and query of requests for what stands below a base URL. People write base URLs with a slash, a `/v1` or an
 * endpoint too many, as vendors' own clients take them: what the base URL has already is not written again. A base URL
 * with nothing below it is the address as it is.
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

/** How many segments at the end of the one are those at the beginning of the other. */
function overlapOf(before: readonly string[], behind: readonly string[]): number {
  for (let length = Math.min(before.length, behind.length); length > 0; length--) {
    const shared = before.slice(-length);
    if (OVERLAP_ENDS.test(shared.at(-1) ?? "") && shared.every((segment, at) => segment === behind[at])) return length;
  }
  return 0;
}
