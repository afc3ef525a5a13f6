import type { Choice } from "../dialect/routing.ts";
import type { TargetState } from "./target-state.ts";

/** One target, as it is chosen. */
export interface Weighed {
  /** Tells it from the model's other targets; the same in every process. */
  readonly id: string;
  readonly weight: number;
  readonly state: TargetState;
}

/** What decides among equals. */
export interface OrderOptions {
  readonly choose: Choice;
  /** The conversation, whose requests go to the same target while it works; undefined: none. */
  readonly conversation?: string | undefined;
  /** Random numbers in [0, 1). */
  readonly random: () => number;
}

/**
 * The targets in the order in which a request should try them, whatever their health. `order`: as configured. `weights`: at
 * random by weight, or by conversation (weighted rendezvous hashing, so that a conversation moves only when its own target
 * goes away). `least_busy`: the fewest running streams per weight first, equals at random.
 */
export function inOrder<Target extends Weighed>(targets: readonly Target[], options: OrderOptions): readonly Target[] {
  const { choose, conversation, random } = options;
  if (choose === "order") return targets;
  const draw = (id: string) => (conversation === undefined ? random() : fraction(`${conversation}\n${id}`));
  const rank = ({ id, weight, state }: Target): readonly [number, number] =>
    choose === "weights" ? [-Math.log1p(-draw(id)) / weight, 0] : [state.running / weight, random()];
  return targets
    .map((target) => ({ target, rank: rank(target) }))
    .sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1])
    .map(({ target }) => target);
}

/** FNV-1a over UTF-16 units, with the final mix of MurmurHash3, since FNV alone spreads short keys badly. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
