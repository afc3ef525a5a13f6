import { SESSION_GROUPS } from "../../../../protocol/openclaw/group-params.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { asObject, type JsonValue } from "../../../core/kernel/json.ts";
import type { Documents } from "../../../core/ports/documents.ts";
import { DurableMap } from "../clients/durable-map.ts";
import type { Session } from "./session.ts";
import type { SessionStore } from "./session-store.ts";

/** The groups by position, and the order of the sidebar's sections where a user has set one. */
type Catalog = { readonly names: readonly string[]; readonly sectionOrder: readonly string[] };

/** What groups need. */
export interface SessionGroupsParts {
  readonly documents: Documents;
  readonly sessions: SessionStore;
  /** Reports a failed write. */
  readonly fault: (error: unknown) => void;
  /** Called when another process has changed the groups. */
  readonly changed?: () => void;
}

const EMPTY: Catalog = { names: [], sectionOrder: [] };
const KEY = "catalog";
/** Sections that exist without a group. */
const SECTIONS: ReadonlySet<string> = new Set(["ungrouped", "groups", "work"]);
const CATEGORY = "category:";

const unique = (values: readonly string[]): string[] =>
  [...new Set(values.map((value) => value.trim()))].filter((value) => value !== "");

/** The folders of the sidebar. A session names its own in the setting `category`; this keeps their order, and empty ones. */
export class SessionGroups {
  readonly #stored: DurableMap<Catalog>;
  readonly #sessions: SessionStore;

  private constructor(stored: DurableMap<Catalog>, sessions: SessionStore) {
    this.#stored = stored;
    this.#sessions = sessions;
  }

  /** Loads the groups. Rejects with `store_unavailable`. */
  static async load({ sessions, ...parts }: SessionGroupsParts) {
    return new SessionGroups(await DurableMap.load({ ...parts, kind: "openclaw.groups", read }), sessions);
  }

  /** The groups by position: the ordered ones, then those that only sessions name. */
  get names(): readonly string[] {
    const named = [...this.#sessions.all()].flatMap((session) => session.text("category") ?? []);
    return [...new Set([...this.#catalog.names, ...named])];
  }

  /** The groups and the sections' order as the protocol shows them. */
  get shown() {
    return {
      groups: this.names.map((name, position) => ({ name, position })),
      sectionOrder: this.#catalog.sectionOrder,
    };
  }

  /** Replaces the ordered list. Throws `bad_request` if that drops a group with sessions. */
  put(names: readonly string[], sectionOrder: readonly string[] = this.#catalog.sectionOrder): void {
    const wanted = unique(names);
    const left = this.names.filter((name) => !wanted.includes(name));
    const lost = left.flatMap((name) => {
      const { length } = this.#members(name);
      return length > 0 ? [`"${name}" (${length})`] : [];
    });
    if (lost.length > 0) throw notEmpty(lost);
    this.#save({ names: wanted, sectionOrder });
  }

  /** Registers the group that a session was put into. Throws `overloaded` when there are too many. */
  register(name: string): void {
    if (!this.names.includes(name)) this.#save({ ...this.#catalog, names: [...this.names, name] });
  }

  /** Renames a group in all its sessions; onto an existing one it joins them. Returns how many sessions changed. */
  rename(from: string, to: string): number {
    const { names } = this;
    if (!names.includes(from)) throw new GatewayError("bad_request", `unknown session group: ${from}`);
    const renamed = (value: string) => (value === from ? to : value);
    const sectionOrder = this.#catalog.sectionOrder.map((id) => (id === CATEGORY + from ? CATEGORY + to : id));
    this.#save({ names: unique(names.map(renamed)), sectionOrder });
    return this.#move(from, to);
  }

  /** Removes a group; its sessions stay, in no group. Returns how many sessions changed. */
  delete(name: string): number {
    const moved = this.#move(name, null);
    this.#save({ ...this.#catalog, names: this.names.filter((known) => known !== name) });
    return moved;
  }

  /** Resolves when all changes so far are stored or reported as failed. */
  close(): Promise<void> {
    return this.#stored.close();
  }

  get #catalog(): Catalog {
    return this.#stored.get(KEY) ?? EMPTY;
  }

  #members(name: string): Session[] {
    return [...this.#sessions.all()].filter((session) => session.text("category") === name);
  }

  /** Without making the sessions the newest. */
  #move(from: string, to: string | null): number {
    const members = from === to ? [] : this.#members(from);
    for (const session of members) this.#sessions.patch(session, { category: to });
    return members.length;
  }

  #save({ names, sectionOrder }: Catalog): void {
    const { maxGroups } = SESSION_GROUPS;
    if (names.length > maxGroups) throw new GatewayError("bad_request", `there may be at most ${maxGroups} groups`);
    const groups = new Set(names);
    const isSection = (id: string) =>
      SECTIONS.has(id) ||
      id.startsWith("catalog:") ||
      (id.startsWith(CATEGORY) && groups.has(id.slice(CATEGORY.length)));
    this.#stored.set(KEY, { names, sectionOrder: unique(sectionOrder).filter(isSection) });
  }
}

function read(value: JsonValue): Catalog {
  const { names, sectionOrder } = asObject(value) ?? {};
  return { names: texts(names), sectionOrder: texts(sectionOrder) };
}

const texts = (value: JsonValue | undefined): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];

/** The real gateway's words. */
const notEmpty = (groups: readonly string[]): GatewayError =>
  new GatewayError(
    "bad_request",
    `sessions.groups.put cannot drop groups that still have member sessions: ${groups.join(", ")}; ` +
      "include them in names or remove them via sessions.groups.delete",
  );
