import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { asArray, asNumber, asString, type JsonObject } from "../../core/kernel/json.ts";
import type {
  EndAnswer,
  OtherNodes,
  RunningStreams,
  StreamsElsewhere,
  Viewer,
} from "../../core/running/running-streams.ts";
import type { StreamView } from "../../core/running/stream-view.ts";
import type { Message } from "../link/mailbox.ts";
import type { Member } from "../link/member.ts";
import { Pace } from "./pace.ts";
import { Questions } from "./questions.ts";

/** Kinds of messages: a question, and its answer. */
const QUESTION = "running";
const ANSWER = "running-told";
/** How long the other nodes have to answer, in milliseconds. */
const ANSWER_MS = 1_000;
/** How many streams a node lists one by one, the oldest first, and in how many characters, at most. */
const MOST = 500;
const MOST_CHARS = 262_144;

/** Lists and ends the streams of all other nodes, and answers their questions about those of this one. Asks only when somebody looks. */
export class OtherStreams implements OtherNodes {
  readonly node: string;
  readonly #member: Pick<Member, "lease" | "mailbox">;
  readonly #running: Pick<RunningStreams, "seenBy" | "end">;
  readonly #questions: Questions;
  /** The looks under way, shared by all who may see the same. */
  readonly #looks = new Map<string, Promise<StreamsElsewhere>>();
  /** Apart, so that keys cannot keep operators waiting, nor ends lists. */
  readonly #paces: Readonly<Record<"list" | "end", { readonly operators: Pace; readonly keys: Pace }>>;

  constructor(
    member: Pick<Member, "node" | "lease" | "mailbox">,
    running: Pick<RunningStreams, "seenBy" | "end">,
    { now }: Pick<Clock, "now">,
  ) {
    const { node, mailbox } = member;
    const paces = () => ({ operators: new Pace(now), keys: new Pace(now) });
    this.node = node;
    this.#member = member;
    this.#running = running;
    this.#paces = { list: paces(), end: paces() };
    this.#questions = new Questions((to, body) => mailbox.send(to, QUESTION, body));
    mailbox.on(QUESTION, (message) => this.#answer(message));
    mailbox.on(ANSWER, (message) => this.#questions.take(message));
  }

  list(viewer: Viewer): Promise<StreamsElsewhere> {
    // All operators see the same.
    const seen = viewer.isOperator ? "all" : `of ${viewer.name}`;
    const underWay = this.#looks.get(seen);
    if (underWay !== undefined) return underWay;
    const look: Promise<StreamsElsewhere> = this.#look(viewer).finally(() => {
      if (this.#looks.get(seen) === look) this.#looks.delete(seen);
    });
    this.#looks.set(seen, look);
    return look;
  }

  async end(stream: string, viewer: Viewer): Promise<boolean> {
    await this.#turn("end", viewer);
    const { nodes, areAll, leftMs } = await this.#others();
    let ending = "unknown" as EndAnswer;
    const question = { what: "end", stream, ...viewer };
    const silent = await this.#questions.ask(nodes, question, leftMs, (_, { ending: answer }) => {
      if (answer === "ended" || answer === "over") ending = answer;
      return ending !== "unknown";
    });
    // A look that began earlier may still show it.
    this.#looks.clear();
    if (ending !== "unknown") return ending === "ended";
    if (silent.length > 0) {
      const who = `nodes that may run the stream have not answered: ${silent.join(", ")}`;
      throw new GatewayError("cluster_unavailable", who);
    }
    if (!areAll) throw new GatewayError("cluster_unavailable", "it is not known yet which nodes there are");
    return false;
  }

  async #look(viewer: Viewer): Promise<StreamsElsewhere> {
    await this.#turn("list", viewer);
    const asked = await this.#others().catch(() => undefined);
    if (!asked) {
      return { streams: [], unlisted: 0, silent: [], unasked: Math.max(0, this.#member.lease.nodeCount - 1) };
    }
    const streams: StreamView[] = [];
    let unlisted = 0;
    const question = { what: "list", ...viewer };
    const silent = await this.#questions.ask(asked.nodes, question, asked.leftMs, (node, body) => {
      for (const one of asArray(body.streams) ?? []) streams.push({ ...(one as unknown as StreamView), node });
      unlisted += asNumber(body.unlisted) ?? 0;
      return false;
    });
    return { streams, unlisted, silent, unasked: 0 };
  }

  /** The other nodes. Rejects with `cluster_unavailable`, also when Redis takes all the time there is. */
  async #others(): Promise<{ readonly nodes: readonly string[]; readonly areAll: boolean; readonly leftMs: number }> {
    const { lease } = this.#member;
    const askedAt = performance.now();
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new GatewayError("cluster_unavailable")), ANSWER_MS);
    try {
      const [living, all] = await Promise.race([Promise.all([lease.others(), lease.nodes()]), late.promise]);
      return {
        nodes: living ?? all.filter((node) => node !== this.node),
        areAll: living !== undefined,
        leftMs: Math.max(0, ANSWER_MS - (performance.now() - askedAt)),
      };
    } finally {
      clearTimeout(timer);
    }
  }

  #turn(what: "list" | "end", { isOperator }: Viewer): Promise<void> {
    return this.#paces[what][isOperator ? "operators" : "keys"].turn();
  }

  #answer({ from, body }: Message): void {
    const name = asString(body.name);
    if (name === undefined) return;
    const viewer = { name, isOperator: body.isOperator === true };
    const { question, what } = body;
    if (what === "list") this.#send(from, { question, ...listed(this.#running.seenBy(viewer)) });
    else if (what === "end") {
      this.#send(from, { question, ending: this.#running.end(asString(body.stream) ?? "", viewer) });
    }
  }

  /** If the answer is lost, this node counts as silent. */
  #send(node: string, body: JsonObject): void {
    this.#member.mailbox.send(node, ANSWER, body).catch(() => {});
  }
}

/** As many of these streams as there is room for, and how many more there are. */
function listed(all: readonly StreamView[]): JsonObject {
  const streams: JsonObject[] = [];
  let room = MOST_CHARS;
  for (const one of all.slice(0, MOST)) {
    room -= JSON.stringify(one).length;
    if (room < 0) break;
    streams.push({ ...one });
  }
  return { streams, unlisted: all.length - streams.length };
}
