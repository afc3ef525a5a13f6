import type { Code } from "../../../protocol/codes.ts";
import type { Model } from "../dialect/routing.ts";
import type { TargetRecords } from "./target-records.ts";
import type { Targets } from "./targets.ts";

/** Where the gateway reports them over HTTP. */
export const TARGETS_PATH = "/v1/targets";

/** The last outcome of a route's probe. */
export interface LastProbe {
  /** When it ended, by the wall clock in milliseconds. */
  readonly at: number;
  /** How long it took. */
  readonly ms: number;
  /** Why it failed; null if it did not. */
  readonly code: Code | null;
}

/** One target as operators see it. */
export interface TargetView {
  readonly model: string;
  readonly route: string;
  /** The provider's name of the model. */
  readonly upstreamModel: string;
  /** `unused`: never called. `full`: at one of its own limits. */
  readonly state: "unused" | "ready" | "cooling" | "trial" | "full";
  /** Until it is tried again, in milliseconds; 0 unless it is cooling or full. */
  readonly waitMs: number;
  /** Attempts that run on it; null for a model with one target, which is not counted. */
  readonly running: number | null;
  readonly answered: number;
  readonly failed: number;
  /** From a stream's open to its first content, in milliseconds; null before the first answer. */
  readonly firstContentMs: { readonly p50: number; readonly p95: number } | null;
  readonly lastFailure: { readonly code: Code; readonly at: number } | null;
  /** Null for a route that is not probed, or not yet. */
  readonly lastProbe: LastProbe | null;
}

/** Every target of these models, further keys included, in the order of the configuration. `now`: the targets' clock. */
export function targetViews(
  models: readonly Model[],
  targets: Targets,
  records: TargetRecords,
  now: number,
  probeOf: (route: string) => LastProbe | undefined = () => undefined,
): readonly TargetView[] {
  return models.flatMap((model) => {
    const isOne = !model.fallback && !model.route.twins;
    const all = model.fallback?.targets ?? [{ route: model.route, model, limits: {} }];
    return all.flatMap(({ route, model: there = model, limits }) =>
      [route, ...(route.twins ?? [])].map((twin): TargetView => {
        const { upstreamModel } = there;
        const name = { model: model.alias, route: twin.name, upstreamModel: isOne ? undefined : upstreamModel };
        const record = records.of(name);
        const state = targets.stateOf({ route: twin, model: there }, limits);
        const readiness = state?.readiness(now, 0);
        return {
          model: model.alias,
          route: twin.name,
          upstreamModel,
          state: readiness?.is ?? (record ? "ready" : "unused"),
          waitMs: readiness && "waitMs" in readiness ? Math.ceil(readiness.waitMs) : 0,
          running: state ? state.running : isOne ? null : 0,
          answered: record?.answered ?? 0,
          failed: record?.failed ?? 0,
          firstContentMs: percentiles(record?.firstContentMs ?? []),
          lastFailure: record?.lastFailure ?? null,
          lastProbe: probeOf(twin.name) ?? null,
        };
      }),
    );
  });
}

function percentiles(values: readonly number[]): TargetView["firstContentMs"] {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  // The nearest rank: the smallest value that this share of all does not exceed.
  const at = (share: number) => Math.round((sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * 10) / 10;
  return { p50: at(0.5), p95: at(0.95) };
}
