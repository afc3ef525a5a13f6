import { isObject } from "../kernel/json.ts";
import type { Dialect } from "./dialect.ts";

/**
 * A call below a dialect's own path (`/count_tokens`) that takes the dialect's body as it is and answers with one JSON value,
 * which is no message of a model. It uses no tokens but those its answer reports.
 */
export function sideCall(dialect: Dialect, below: string): Dialect {
  return {
    ...dialect,
    address(key) {
      const { path, headers } = dialect.address(key);
      return { path: path + below, headers };
    },
    body: ({ body, model }) => ({ ...body, ...(model !== undefined && { model }) }),
    outputLimit: () => 0,
    limited: (body) => body,
    decoder() {
      const decoder = dialect.decoder();
      return {
        read(name, value, data) {
          // A compaction is an object of its own kind, and reports its usage as a response does.
          const { usage, error } = decoder.read(name, isObject(value) ? { ...value, object: "response" } : value, data);
          return { usage: usage ?? { inputTokens: 0, outputTokens: 0 }, complete: "now", ...(error && { error }) };
        },
        cutShort: () => undefined,
      };
    },
  };
}
