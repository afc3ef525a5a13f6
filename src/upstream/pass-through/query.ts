/** A request's path with the client's query behind the route's own, whose parameters it cannot replace. */
export function withQuery(path: string, query: readonly (readonly [name: string, value: string])[]): string {
  const [, own = ""] = path.split("?", 2);
  const taken = new URLSearchParams(own);
  const added = new URLSearchParams();
  for (const [name, value] of query) if (!taken.has(name)) added.append(name, value);
  const text = added.toString();
  if (text === "") return path;
  return `${path}${own === "" ? "?" : "&"}${text}`;
}
