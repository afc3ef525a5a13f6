import type { BranchHead, TranscriptMessage } from "../../../core/ports/transcripts.ts";

/** A branch's last message, and what a list says of it. */
export interface BranchTip {
  readonly message: TranscriptMessage;
  readonly isActive: boolean;
  /** Messages from the beginning to this one. */
  readonly length: number;
  /** The messages from this one back to the beginning. */
  readonly back: () => Iterable<TranscriptMessage>;
}

/**
 * The messages of a session: a tree, because a question that is asked again begins a branch beside the old one. A message
 * follows the one before it in time unless it names another.
 */
export class Branches {
  /** All messages, by `seq`. */
  readonly all: TranscriptMessage[];
  /** The conversation as it stands: one branch, from the beginning to its last message. */
  #active: TranscriptMessage[];

  /** `all` by `seq`; without `head`, the newest message ends the active branch. */
  constructor(all: readonly TranscriptMessage[] = [], head?: BranchHead) {
    this.all = [...all];
    this.#active = branchTo(this.all, leafIndex(this.all, head));
  }

  get active(): readonly TranscriptMessage[] {
    return this.#active;
  }

  /** Where the next message of the active branch goes. */
  get place(): Pick<TranscriptMessage, "seq" | "parentId"> {
    const newest = this.all.at(-1);
    const leaf = this.#active.at(-1);
    const seq = (newest?.seq ?? 0) + 1;
    return newest === leaf ? { seq } : { seq, parentId: leaf?.id ?? null };
  }

  /** Adds a message that has been given its `place`. */
  append(message: TranscriptMessage): void {
    this.all.push(message);
    this.#active.push(message);
  }

  /** Makes the branch that ends with this message the active one; null: the empty one, before all messages. */
  turnTo(leafId: string | null): BranchHead {
    const head = { leafId, seq: this.all.at(-1)?.seq ?? 0 };
    this.#active = branchTo(this.all, leafIndex(this.all, head));
    return head;
  }

  /** The ends of all branches, the active one first, then the newest. */
  tips(): readonly BranchTip[] {
    const { all } = this;
    const parents = parentsOf(all);
    const lengths: number[] = [];
    const isFollowed: boolean[] = [];
    for (const [index, parent] of parents.entries()) {
      lengths[index] = 1 + (lengths[parent] ?? 0);
      if (parent >= 0) isFollowed[parent] = true;
    }
    const leaf = this.#active.at(-1);
    const tips = all.flatMap((message, index): BranchTip[] => {
      const isActive = message === leaf;
      if (isFollowed[index] && !isActive) return [];
      return [{ message, isActive, length: lengths[index] ?? 0, back: () => backFrom(all, parents, index) }];
    });
    return tips.sort(
      (one, other) => Number(other.isActive) - Number(one.isActive) || other.message.seq - one.message.seq,
    );
  }
}

/** The index of the message before each, -1 for none. */
function parentsOf(all: readonly TranscriptMessage[]): readonly number[] {
  // Most sessions never turned back.
  const hasTurned = all.some(({ parentId }) => parentId !== undefined);
  const indexes = new Map(hasTurned ? all.map(({ id }, index) => [id, index]) : []);
  return all.map(({ parentId }, index) => {
    if (parentId === null) return -1;
    const parent = parentId === undefined ? undefined : indexes.get(parentId);
    return parent !== undefined && parent < index ? parent : index - 1;
  });
}

/** The index of the last message of the active branch, -1 if that is empty. */
function leafIndex(all: readonly TranscriptMessage[], head: BranchHead | undefined): number {
  const newest = all.length - 1;
  // Later messages have continued where it pointed.
  if (!head || (all[newest]?.seq ?? 0) > head.seq) return newest;
  return head.leafId === null ? -1 : all.findIndex(({ id }) => id === head.leafId);
}

function branchTo(all: readonly TranscriptMessage[], leaf: number): TranscriptMessage[] {
  return [...backFrom(all, parentsOf(all), leaf)].reverse();
}

function* backFrom(all: readonly TranscriptMessage[], parents: readonly number[], from: number) {
  for (let index = from; index >= 0; index = parents[index] ?? -1) {
    const message = all[index];
    if (message) yield message;
  }
}
