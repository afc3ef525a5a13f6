import * as z from "zod";
import { overlaps, type PassThroughPattern, readPassThroughPattern } from "../../core/dialect/pass-through-pattern.ts";

/** What the gateway serves below `/v1` itself, with its own accounting: a route cannot take it over. */
const OWN = [
  "POST /v1/chat/completions",
  "GET /v1/models",
  "GET /v1/models/*",
  "POST /v1/messages",
  "POST /v1/messages/count_tokens",
  "POST /v1/responses",
  "GET /v1/responses",
  "POST /v1/responses/input_tokens",
  "POST /v1/responses/compact",
].flatMap((text) => readPassThroughPattern(text) ?? []);

/** Google's methods are suffixes of a model's name: `POST /v1/models/gemini-2.5-pro:generateContent`. */
const GOOGLE_COLLECTIONS = new Set(["models", "tunedModels"]);
const GOOGLE_METHOD = /:(?:generateContent|streamGenerateContent|countTokens)$/;

/** Sluice's own, with everything below. */
const OWN_ROOTS = new Set(["stream", "streams", "targets", "ticket", "usage"]);

/** Reads one entry of `passThrough`. */
export const passThroughPatternSchema = z.string().transform((text, context): PassThroughPattern => {
  const pattern = readPassThroughPattern(text);
  if (pattern && !isOwn(pattern)) return pattern;
  const params = pattern
    ? { found: `${JSON.stringify(text)}, which the gateway serves itself`, expected: "another path of the provider" }
    : {
        found: "a string of another form",
        expected: 'GET, POST or DELETE and a path below /v1, such as "GET /v1/files/*"; * is one whole segment',
      };
  context.addIssue({ code: "custom", params });
  return z.NEVER;
});

const isOwn = (pattern: PassThroughPattern): boolean =>
  OWN_ROOTS.has(pattern.segments[1] ?? "") || isGoogles(pattern) || OWN.some((own) => overlaps(own, pattern));

function isGoogles({ method, segments: [, collection = "", ...names] }: PassThroughPattern): boolean {
  const last = names.at(-1) ?? "";
  return method === "POST" && GOOGLE_COLLECTIONS.has(collection) && (last === "*" || GOOGLE_METHOD.test(last));
}

/** Two entries that some request fits, where nothing tells which route it is for. */
export interface Ambiguity {
  readonly route: string;
  readonly index: number;
  readonly text: string;
  readonly other: string;
}

/** A POST's body can name a model, which tells the route; a GET or DELETE may be listed by one route only. */
export function ambiguities(
  routes: Readonly<Record<string, { readonly passThrough: readonly PassThroughPattern[] }>>,
): readonly Ambiguity[] {
  const all = Object.entries(routes).flatMap(([route, { passThrough }]) =>
    passThrough.map((pattern, index) => ({ route, pattern, index })),
  );
  return all.flatMap(({ route, pattern, index }, at) => {
    const earlier = all.slice(0, at).find((one) => one.route !== route && overlaps(one.pattern, pattern));
    return earlier && pattern.method !== "POST" ? [{ route, index, text: pattern.text, other: earlier.route }] : [];
  });
}
