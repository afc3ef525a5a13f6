import { asNumber, asString, type JsonObject } from "../../core/kernel/json.ts";
import type { Message } from "../link/mailbox.ts";

/** A stream that a node has, whether or not it has written it. */
export interface Whereabouts {
  readonly node: string;
  readonly caller: string;
  /** Its newest event. */
  readonly head: number;
}

/** Which node has a stream; `unsure`: one that may have it has not answered in time. */
export type SearchResult = Whereabouts | "nobody" | "unsure";

/** What is looked for: a stream by its id, or by the key of its name in Redis. */
export type Wanted = { readonly stream: string } | { readonly name: string };

/** What inquiries need of their node. */
export interface InquiriesParts {
  /** The other living nodes; undefined while this node may not judge. */
  readonly others: () => Promise<readonly string[] | undefined>;
  /** Asks a node, which answers by a message for `take`. Resolves with whether the node is there. */
  readonly ask: (node: string, body: JsonObject) => Promise<boolean>;
}

/** How long a node may take to answer, in milliseconds: longer than a pause of its event loop. */
const ANSWER_MS = 1_000;

interface Inquiry {
  readonly silent: Set<string>;
  readonly decided: (result: SearchResult) => void;
}

/** Asks the other nodes for streams that Redis does not know, or not as far as a client has seen them. */
export class Inquiries {
  readonly #parts: InquiriesParts;
  readonly #open = new Map<string, Inquiry>();

  constructor(parts: InquiriesParts) {
    this.#parts = parts;
  }

  /** Finds out which of these nodes, or of all others, has a stream. Rejects with `cluster_unavailable`. */
  async seek(wanted: Wanted, among?: readonly string[]): Promise<SearchResult> {
    const nodes = among ?? (await this.#parts.others());
    if (nodes === undefined) return "unsure";
    if (nodes.length === 0) return "nobody";
    const inquiry = crypto.randomUUID();
    const { promise, resolve } = Promise.withResolvers<SearchResult>();
    this.#open.set(inquiry, { silent: new Set(nodes), decided: resolve });
    const late = setTimeout(() => resolve("unsure"), ANSWER_MS);
    try {
      // A node that has left since may have written it in the end: the next look shows that.
      const asked = nodes.map((node) => this.#parts.ask(node, { what: "seek", ...wanted, inquiry }));
      for (const each of asked)
        each.then(
          (isThere) => isThere || resolve("unsure"),
          () => resolve("unsure"),
        );
      return await promise;
    } finally {
      clearTimeout(late);
      this.#open.delete(inquiry);
    }
  }

  /** A node has answered. */
  take({ from, body }: Message): void {
    const inquiry = this.#open.get(asString(body.inquiry) ?? "");
    if (!inquiry) return;
    const caller = asString(body.caller);
    if (caller !== undefined) inquiry.decided({ node: from, caller, head: asNumber(body.head) ?? 0 });
    inquiry.silent.delete(from);
    if (inquiry.silent.size === 0) inquiry.decided("nobody");
  }
}
