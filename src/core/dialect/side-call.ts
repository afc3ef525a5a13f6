import { isObject } from "../kernel/json.ts";
import type { Dialect } from "./dialect.ts";

/** The method at the end of one of Google's paths, and the query. */
const METHOD = /:\w+(?:\?.*)?$/;

/**
 * A dialect for an endpoint beside another dialect's own: below its path, such as `/count_tokens`, or another method of it,
 * such as `:countTokens`. The request body is passed unchanged but for the model; the response is one JSON value that is not a
 * model's message. Tokens count only if it reports usage.
 */
export function sideCall(dialect: Dialect, below: string): Dialect {
  return {
    ...dialect,
    address(key, call) {
      const { path, headers } = dialect.address(key, call);
      return { path: below.startsWith(":") ? path.replace(METHOD, below) : path + below, headers };
    },
    body({ body, model }) {
      const { model: _, ...rest } = body;
      return dialect.modelInPath ? rest : { ...body, ...(model !== undefined && { model }) };
    },
    outputLimit: () => 0,
    limited: (body) => body,
    decoder() {
      const decoder = dialect.decoder();
      return {
        read(name, value, data) {
          // A compaction reports its usage as a response does.
          const { usage, error } = decoder.read(name, isObject(value) ? { ...value, object: "response" } : value, data);
          return { usage: usage ?? { inputTokens: 0, outputTokens: 0 }, complete: "now", ...(error && { error }) };
        },
        cutShort: () => undefined,
      };
    },
  };
}
