import * as z from "zod";
import type { Caller } from "../../../core/caller/caller.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { isObject, type JsonValue } from "../../../core/kernel/json.ts";
import type { TranscriptPart } from "../../../core/ports/transcripts.ts";
import { DurableMap, type DurableMapParts } from "../clients/durable-map.ts";
import { type ModelCatalog, selectionOf } from "../sessions/model-catalog.ts";
import type { Session } from "../sessions/session.ts";
import type { RunRequest } from "./run-request.ts";

/** The kind of these documents; their keys are run ids. */
const KIND = "openclaw.queue";

const isContent = (value: unknown): value is readonly TranscriptPart[] =>
  Array.isArray(value) && value.every((part) => isObject(part) && typeof part.type === "string");

/** A waiting message as stored. `ownKey`: it came with a provider key of its caller's, which is never stored. */
const KeptMessage = z.object({
  sessionKey: z.string(),
  content: z.custom<readonly TranscriptPart[]>(isContent),
  caller: z.object({ name: z.string(), keyId: z.string().optional(), secretId: z.string().optional() }),
  ownKey: z.boolean(),
  /** Wall clock in milliseconds. */
  acceptedAt: z.number(),
  /** Its place among all messages of this store. */
  position: z.int(),
  thinking: z.string().optional(),
  model: z.string().optional(),
  system: z.string().optional(),
  timeoutMs: z.number().optional(),
});

/** A message that waited when the gateway ended. */
export type KeptMessage = z.infer<typeof KeptMessage>;

/** What a kept message is turned back into a request with. */
export interface RestoreParts {
  readonly catalog: ModelCatalog;
  /** The caller with what its key grants now. Throws `unauthorized`. */
  readonly current: (caller: Caller) => Caller;
}

/**
 * The waiting messages of all sessions, on disk: each from when it has to wait until its run begins. What they take is
 * bounded by the queue, which accepts them.
 */
export class KeptMessages {
  readonly #kept: DurableMap<KeptMessage>;
  #position: number;

  private constructor(kept: DurableMap<KeptMessage>) {
    this.#kept = kept;
    this.#position = 0;
    // Too many for the arguments of one call.
    for (const [, { position }] of kept.entries()) this.#position = Math.max(this.#position, position);
  }

  /** Rejects with `store_unavailable`. */
  static async load(
    parts: Pick<DurableMapParts<KeptMessage>, "documents" | "claims" | "fault">,
  ): Promise<KeptMessages> {
    const read = (value: JsonValue) => KeptMessage.safeParse(value).data;
    return new KeptMessages(
      await DurableMap.load({ claims: "all", ...parts, kind: KIND, dropsUnreadable: true, read }),
    );
  }

  /** All messages with their run ids, in the order in which they were accepted. */
  inOrder(): readonly (readonly [runId: string, message: KeptMessage])[] {
    return inOrder([...this.#kept.entries()]);
  }

  /** Takes over the messages that waited in processes that have ended since, in the same order. */
  async claim(): Promise<readonly (readonly [runId: string, message: KeptMessage])[]> {
    return inOrder(await this.#kept.claim());
  }

  /** Stores a message that has to wait. `acceptedAt`: wall clock in milliseconds. */
  keep(request: RunRequest, acceptedAt: number): void {
    const { caller, model, upstreamKey, session, runId } = request;
    const { thinking, system, timeoutMs } = request;
    this.#kept.set(runId, {
      sessionKey: session.key,
      content: request.content,
      caller: { name: caller.name, keyId: caller.grant?.keyId, secretId: caller.grant?.secretId },
      ownKey: upstreamKey !== undefined,
      acceptedAt,
      position: ++this.#position,
      ...(thinking !== undefined && { thinking }),
      ...(model && { model: selectionOf(model) }),
      ...(system !== undefined && { system }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
  }

  /** Its run has begun, or it was taken back. It stays on disk until `written` settles. */
  forget(runId: string, written?: Promise<void>): void {
    this.#kept.delete(runId, written);
  }

  /** Leaves the messages to other processes, and resolves when all changes so far are stored. */
  close(): Promise<void> {
    return this.#kept.close();
  }
}

const inOrder = (kept: readonly (readonly [string, KeptMessage])[]) =>
  kept.toSorted(([, one], [, other]) => one.position - other.position || one.acceptedAt - other.acceptedAt);

/** A kept message as a request again. One that cannot be answered any more carries the reason, with which its run ends. */
export function restoredRequest(
  runId: string,
  kept: KeptMessage,
  session: Session,
  { catalog, current }: RestoreParts,
): RunRequest {
  const { content, thinking, system, timeoutMs } = kept;
  const model = kept.model === undefined ? undefined : catalog.find(kept.model);
  return {
    runId,
    session,
    content,
    caller: callerOf(kept.caller, current),
    upstreamKey: undefined,
    connection: undefined,
    receivedAt: 0,
    isAdmitted: true,
    ...(thinking !== undefined && { thinking }),
    ...(system !== undefined && { system }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(model && { model }),
    refusal: refusalOf(kept, model !== undefined),
  };
}

function refusalOf({ ownKey, model }: KeptMessage, hasModel: boolean): GatewayError | undefined {
  if (ownKey) {
    const message =
      "the gateway was restarted while this message waited, and the provider key sent with it is never stored: " +
      "send the message again";
    return new GatewayError("shutting_down", message, { retryable: false });
  }
  if (model !== undefined && !hasModel) return new GatewayError("unknown_model", `unknown model: ${model}`);
  return undefined;
}

/** The caller as its key stands now. If the key no longer works, one that may do nothing: its run is refused. */
function callerOf({ name, keyId, secretId }: KeptMessage["caller"], current: RestoreParts["current"]): Caller {
  const none = new Set<never>();
  const grant = keyId === undefined ? undefined : { ...NOTHING_GRANTED, keyId, secretId, scopes: none };
  const named: Caller = { name, ...(grant && { grant }) };
  try {
    return current(named);
  } catch {
    return named;
  }
}

const NOTHING_GRANTED = {
  models: new Set<string>(),
  routes: new Set<string>(),
  caps: {},
  away: undefined,
  onAbort: "cancel",
  upstreamKeys: "managed",
} as const;
