import type { Code } from "../../../protocol/codes.ts";
import { asNumber, asString, type JsonObject } from "../../core/kernel/json.ts";
import { Audience } from "../../core/stream/clients/audience.ts";
import type { RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import type { Message } from "../link/mailbox.ts";
import { RemoteAttachment } from "./remote-attachment.ts";
import { errorOf, isCode } from "./stored-end.ts";

/** What the owner's side is made of. */
export interface OwnedStreamsParts {
  readonly registry: StreamRegistry;
  /** Tells a node that one of its readers has lost its stream. */
  readonly tellReader: (node: string, body: JsonObject) => void;
  /** Answers a node that looks for a stream. */
  readonly answer: (node: string, body: JsonObject) => void;
  /** The stream that has a name, given the name's key in Redis, which may lack it. */
  readonly named: (key: string) => string | undefined;
  /** Checks what Redis has of a stream that is read there: it may lack some of it. */
  readonly recheck: (registered: RegisteredStream) => void;
}

/** The streams that run on this node, as other nodes' clients use them: they read, fall behind, leave and cancel. */
export class OwnedStreams {
  readonly #parts: OwnedStreamsParts;
  readonly #remotes = new Map<string, RemoteAttachment>();

  constructor(parts: OwnedStreamsParts) {
    this.#parts = parts;
  }

  /** The nodes whose clients read here. */
  get readingNodes(): ReadonlySet<string> {
    return new Set([...this.#remotes.values()].map(({ node }) => node));
  }

  /** Handles another node's message about a stream. */
  take({ from, body }: Message): void {
    const registered = this.#parts.registry.own(asString(body.stream) ?? "");
    const reader = asString(body.reader) ?? "";
    const remote = this.#remotes.get(reader);
    const code = isCode(body.why) ? body.why : undefined;
    if (body.what === "seek") this.#answer(from, body);
    else if (body.what === "attach") this.#attach(from, reader, registered, body);
    else if (body.what === "handled") remote?.moved(asNumber(body.seq) ?? 0);
    else if (body.what === "detach" && remote) this.#detach(remote, code);
    else if (body.what === "done" && registered) this.#parts.registry.handled(registered, body.isAcknowledged === true);
    else if (body.what === "cancel") {
      registered?.stream.cancel(errorOf({ code: asString(body.code) ?? "", message: asString(body.message) }));
    }
  }

  /** These nodes are gone, or out of reach: so are their clients. */
  lose(nodes: ReadonlySet<string>, why: Code): void {
    for (const remote of this.#remotes.values()) if (nodes.has(remote.node)) this.#detach(remote, why);
  }

  /** Answers whether the stream is here, and how far it is. */
  #answer(node: string, body: JsonObject): void {
    const inquiry = asString(body.inquiry) ?? "";
    const sought = () => {
      const id = asString(body.stream) ?? this.#parts.named(asString(body.name) ?? "");
      return this.#parts.registry.own(id ?? "");
    };
    const answer = (registered: RegisteredStream | undefined) => {
      const { caller, stream } = registered ?? {};
      this.#parts.answer(node, { inquiry, ...(caller !== undefined && { caller, head: stream?.log.head ?? 0 }) });
    };
    const registered = sought();
    if (registered) {
      this.#parts.recheck(registered);
      answer(registered);
      return;
    }
    // What Redis granted before the question may still be on its way here: all sockets are read before the next turn.
    setImmediate(() => setImmediate(() => answer(sought())));
  }

  #attach(node: string, reader: string, registered: RegisteredStream | undefined, body: JsonObject): void {
    const after = asNumber(body.after) ?? 0;
    const known = this.#remotes.get(reader);
    if (registered) this.#parts.recheck(registered);
    if (known) known.moved(after);
    // What is gone from here may still be read from Redis.
    if (known || !registered) return;
    // It claims to have seen what never was.
    if (after > registered.stream.log.head) {
      this.#parts.tellReader(node, { reader, why: "resume_failed" });
      return;
    }
    // It has had the stream before; meanwhile another may have taken it.
    const isShared = body.shared === true;
    const isTaken = registered.attachment && !(isShared && registered.attachment.isShared);
    if (body.again === true && isTaken) {
      this.#parts.tellReader(node, { reader, why: "superseded" });
      return;
    }
    const remote: RemoteAttachment = new RemoteAttachment(registered, { node, reader, after, isShared }, (why) => {
      this.#remotes.delete(reader);
      this.#parts.tellReader(node, { reader, why });
    });
    this.#remotes.set(reader, remote);
    registered.stream.hold(remote);
    const { registry } = this.#parts;
    if (isShared) Audience.of(registered, registry).join(remote);
    else registry.attach(registered, remote);
  }

  #detach(remote: RemoteAttachment, why: Code | undefined): void {
    this.#remotes.delete(remote.reader);
    remote.registered.stream.letGo(remote);
    const { registry } = this.#parts;
    if (remote.isShared) Audience.of(remote.registered, registry).leave(remote, why);
    else registry.detach(remote.registered, remote, why);
  }
}
