import { GatewayError } from "../../core/kernel/errors.ts";
import { asString, type JsonObject } from "../../core/kernel/json.ts";
import type { Notes } from "../../core/ports/notes.ts";
import { checkSame } from "../../core/relay/idempotency.ts";
import type { RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import type { Repeatable } from "./repeatable.ts";

/** What a claim says. */
interface Claim extends JsonObject {
  readonly stream: string;
  readonly request: string;
  readonly payer: string | null;
}

/**
 * Opens with an idempotency key, across the nodes of a cluster: the first one names its stream to all nodes before the upstream
 * is called, and a repeated one finds it, wherever it runs. While Redis is away, each node knows only its own: the others learn
 * of them when it is back.
 */
export class Claims {
  readonly #notes: Notes;
  readonly #registry: Pick<StreamRegistry, "find">;
  readonly #keptMs: number;

  /** `keptMs`: how long a key finds its stream, in milliseconds. */
  constructor(notes: Notes, registry: Pick<StreamRegistry, "find">, keptMs: number) {
    this.#notes = notes;
    this.#registry = registry;
    this.#keptMs = keptMs;
  }

  /**
   * The stream that was opened with this key, or else what `open` opens, under the id it is given. Rejects with what `open`
   * throws, and with `bad_request` and `resume_failed` as on one node.
   */
  async open(
    repeatable: Repeatable,
    caller: string,
    open: (id: string) => RegisteredStream,
  ): Promise<RegisteredStream> {
    const { request, payer = null } = repeatable.fingerprint;
    const claim: Claim = { stream: `s_${crypto.randomUUID()}`, request, payer };
    const known = await this.#claim(repeatable, claim, caller);
    if (known) return known;
    try {
      const registered = open(claim.stream);
      void registered.stream.info.opening?.decided?.then((refusal) => refusal && this.#free(repeatable, claim));
      return registered;
    } catch (error) {
      this.#free(repeatable, claim);
      throw error;
    }
  }

  /** The stream of an earlier claim; undefined if the key is this one's now, or nobody can be asked. */
  async #claim(repeatable: Repeatable, claim: Claim, caller: string): Promise<RegisteredStream | undefined> {
    for (;;) {
      const earlier = await this.#notes.claim(keyOf(repeatable), claim, this.#keptMs).catch(unlessAway);
      if (!earlier) return undefined;
      const { stream, request, payer } = earlier;
      checkSame({ request: asString(request) ?? "", payer: asString(payer) }, repeatable.fingerprint);
      try {
        return await this.#registry.find(asString(stream) ?? "", caller, 1, 0);
      } catch (error) {
        // Its node died, or refused it, before there was such a stream.
        const isNone = error instanceof GatewayError && error.details?.reason === "unknown";
        if (!isNone) throw error;
        await this.#notes.remove(keyOf(repeatable), earlier);
      }
    }
  }

  #free(repeatable: Repeatable, claim: Claim): void {
    this.#notes.remove(keyOf(repeatable), claim).catch(() => {});
  }
}

const keyOf = ({ key }: Repeatable): readonly string[] => ["open", key];

function unlessAway(error: unknown): undefined {
  if (!(error instanceof GatewayError && error.code === "cluster_unavailable")) throw error;
}
