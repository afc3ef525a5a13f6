import * as z from "zod";
import { CHOICES } from "../core/dialect/routing.ts";
import { COOL_DOWN_MS } from "../core/targets/targets.ts";
import { priceSchema } from "./price-schema.ts";

const aMinute = z.int().min(1).max(1_000_000_000);

/** One of several places where a model runs. */
const targetSchema = z.strictObject({
  route: z
    .string()
    .describe(
      "a route of this configuration; of another dialect than the first target's, it is used by chats and by clients that read any dialect",
    ),
  model: z.string().min(1).describe("the upstream's own model id there"),
  weight: z.number().min(0.001).max(1_000_000).default(1).describe("its share, with weights and least_busy"),
  defaults: z
    .record(z.string(), z.json())
    .optional()
    .describe("parameters of the provider's request body there; by default the model's"),
  price: priceSchema.optional().describe("what it costs there; by default the model's price"),
  requestsPerMinute: aMinute.optional().describe("requests sent to it; the others are tried beyond that"),
  tokensPerMinute: aMinute.optional().describe("prompt tokens sent to it, estimated; the others are tried beyond that"),
  concurrentStreams: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe("streams at once; the others are tried beyond that"),
});

/** What a model with several targets adds. */
export const fallbackFields = {
  targets: z
    .array(targetSchema)
    .min(1)
    .max(32)
    .optional()
    .describe(
      "instead of route and model: where the model runs. The next target is tried when one fails before its answer begins",
    ),
  choose: z
    .enum(CHOICES)
    .default("order")
    .describe("which target is tried first: the first that works, at random by weight, or the least busy one"),
  sticky: z
    .boolean()
    .default(true)
    .describe(
      "with weights, the requests of one conversation go to one target while it works, for the provider's cache",
    ),
  coolDownMs: z
    .int()
    .min(100)
    .max(3_600_000)
    .default(COOL_DOWN_MS)
    .describe("how long a target is spared after three failures in a row; then one request tries it"),
  firstTokenMs: z
    .int()
    .min(1_000)
    .max(600_000)
    .optional()
    .describe(
      "the next target is tried if an answer has not begun by then; both may be billed. By default targets may think",
    ),
};

/** The fields of a model's target, whichever way they are given. */
interface Given {
  readonly route?: string | undefined;
  readonly model?: string | undefined;
  readonly price?: z.output<typeof priceSchema> | undefined;
  readonly targets?: readonly z.output<typeof targetSchema>[] | undefined;
  readonly choose: (typeof CHOICES)[number];
  readonly sticky: boolean;
  readonly coolDownMs: number;
  readonly firstTokenMs?: number | undefined;
}

/** A model's first target as `route` and `model`, and all of them as `fallback` if they were given as `targets`. */
export function withTargets<Fields extends Given>(fields: Fields, context: z.core.$RefinementCtx<Fields>) {
  const { route, model, targets, choose, sticky, coolDownMs, firstTokenMs, ...rest } = fields;
  const problem = (path: string, found: string, expected: string) => {
    context.addIssue({ code: "custom", path: [path], params: { found, expected } });
    return z.NEVER;
  };
  if (targets === undefined) {
    if (route === undefined) return problem("route", "nothing", "a route and a model, or targets");
    if (model === undefined) return problem("model", "nothing", "the upstream's own model id");
    return { ...rest, route, model, fallback: undefined };
  }
  if (route !== undefined || model !== undefined) {
    return problem("targets", "targets beside route or model", "either targets, or route and model");
  }
  const all = targets.map(({ requestsPerMinute, tokensPerMinute, concurrentStreams, ...target }) => ({
    ...target,
    price: target.price ?? fields.price,
    limits: { requestsPerMinute, tokensPerMinute, concurrentStreams },
  }));
  const [first] = all;
  if (!first) return z.NEVER;
  return {
    ...rest,
    price: first.price,
    route: first.route,
    model: first.model,
    fallback: { choose, sticky, coolDownMs, firstTokenMs, targets: all },
  };
}
