import type { Code } from "../../../../protocol/codes.ts";
import type { Attachment, RegisteredStream } from "../registered-stream.ts";

/** The registry, as an audience needs it. */
interface Registry {
  attach(registered: RegisteredStream, attachment: Attachment): unknown;
  detach(registered: RegisteredStream, attachment: Attachment, why?: Code): void;
}

const AUDIENCES = new WeakMap<RegisteredStream, Audience>();

/** Clients that read a stream at once, on this node and on others, and are one for the registry. */
export class Audience implements Attachment {
  readonly isShared = true;
  readonly #registry: Registry;
  readonly #registered: RegisteredStream;
  readonly #members = new Set<Attachment>();

  private constructor(registered: RegisteredStream, registry: Registry) {
    this.#registered = registered;
    this.#registry = registry;
  }

  /** A stream's one audience. */
  static of(registered: RegisteredStream, registry: Registry): Audience {
    const audience = AUDIENCES.get(registered) ?? new Audience(registered, registry);
    AUDIENCES.set(registered, audience);
    return audience;
  }

  /** While it has a member, its stream does not wait for a client. */
  join(member: Attachment): void {
    this.#members.add(member);
    if (this.#members.size === 1) this.#registry.attach(this.#registered, this);
  }

  /** `why`: undefined for one that has everything. */
  leave(member: Attachment, why?: Code): void {
    if (this.#members.delete(member) && this.#members.size === 0) {
      this.#registry.detach(this.#registered, this, why);
    }
  }

  detached(why: Code): void {
    for (const member of [...this.#members]) member.detached(why);
    this.#members.clear();
  }
}
