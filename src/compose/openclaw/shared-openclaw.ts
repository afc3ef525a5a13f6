import { randomBytes } from "node:crypto";
import { CODES } from "../../../protocol/codes.ts";
import { CONTROL_UI_PATH } from "../../../protocol/openclaw/wire.ts";
import type { Leader } from "../../cluster/leadership/leader.ts";
import { Leadership } from "../../cluster/leadership/leadership.ts";
import type { Config } from "../../config/schema.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { asNumber, asString } from "../../core/kernel/json.ts";
import type { Connection } from "../../core/ports/connection.ts";
import type { Face, FaceSession } from "../../core/ports/face.ts";
import type { MessageFile } from "../../core/ports/message-file.ts";
import type { Transcripts } from "../../core/ports/transcripts.ts";
import { createOpenClawFace, faceFacts, type OpenClawFace, type OpenClawParts } from "../../faces/openclaw/face.ts";
import { isAssistantMedia } from "../../page/assistant-media.ts";
import { isControlUiSettings } from "../../page/control-ui.ts";
import type { Neighbours } from "../../transport/nodes/nodes.ts";
import type { NodeAddress, ServingNode } from "../../transport/nodes/preamble.ts";
import type { RunningServer } from "../../transport/server-parts.ts";
import type { ClusterNode } from "../node/cluster-node.ts";
import type { OpenClaw } from "./openclaw-service.ts";
import { Waiting } from "./waiting.ts";

/** What is led. */
const WHAT = "openclaw";
/** How long a new leader waits before it reads the store again, after it could not. */
const AGAIN_MS = 1_000;
/** What clients are told that have to connect again. */
const CLOSE_CODE = CODES.shutting_down.closeCode ?? 1012;

/**
 * The OpenClaw face of a cluster. One node serves all its clients, because they all share sessions, queues and running
 * answers; the others forward theirs to it. When that node leaves or dies, another begins where the store stands.
 */
export class SharedOpenClaw implements OpenClaw {
  readonly face: Face;
  readonly pages: OpenClaw["pages"];
  readonly neighbours: Neighbours;
  readonly #parts: OpenClawParts;
  readonly #listen: Config["cluster"]["listen"];
  readonly #node: ClusterNode;
  readonly #own: NodeAddress;
  readonly #connections = new Map<FaceSession, Connection>();
  #leadership: Leadership | undefined;
  /** The face while this node serves. */
  #serving: OpenClawFace | undefined;
  /** The other node that serves, and the end of that. */
  #elsewhere: { readonly node: ServingNode; readonly ended: AbortController } | undefined;
  /** Names the lead under which it serves, or begins to. */
  #lead: object | undefined;
  /** Whether another has led since: what is in memory is not what the store holds. */
  #isOver = false;
  readonly #waiting = new Waiting();
  /** One change of the lead after the other. */
  #turn: Promise<void> = Promise.resolve();
  #again: NodeJS.Timeout | undefined;
  #isClosing = false;

  constructor(parts: OpenClawParts, listen: Config["cluster"]["listen"], node: ClusterNode) {
    this.#parts = parts;
    this.#listen = listen;
    this.#node = node;
    this.#own = { host: listen.host, port: listen.port, secret: randomBytes(32).toString("hex") };
    this.face = { ...faceFacts(parts), accept: (connection) => this.#accept(connection) };
    this.pages = {
      callerOfDevice: (token) => this.#serving?.callerOfDevice(token),
      fileOf: async (key, source): Promise<MessageFile | undefined> => this.#serving?.fileOf(key, source),
    };
    this.neighbours = {
      address: this.#own,
      elsewhere: (path, isWebSocket) => this.#serves(path, isWebSocket),
      untilKnown: (path, isWebSocket) =>
        isShared(path, isWebSocket) && this.#isUnknown ? this.#waiting.wait() : undefined,
    };
  }

  async start(server: Pick<RunningServer, "nodePort" | "forwarded">): Promise<void> {
    const { host, address = host } = this.#listen;
    const about = { host: address, port: server.nodePort ?? 0, secret: this.#own.secret };
    const isWilling = () => !this.#parts.relay.isStopping;
    this.#leadership = new Leadership(
      { cluster: this.#node.cluster, what: WHAT, about, isWilling },
      {
        changed: (leader) => this.#changed(leader),
        regained: () => this.#serving?.resume(),
        fault: (error) => this.#fault(error),
      },
    );
    this.#node.gauges.push({ leads: () => this.#serving !== undefined, forwarded: () => server.forwarded });
    await this.#leadership.open();
    await this.#turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#waiting.end();
    clearTimeout(this.#again);
    await this.#turn;
    const serving = this.#serving;
    this.#serving = undefined;
    await serving?.close();
    // Only now, when all is stored that the next one reads.
    await this.#leadership?.[Symbol.asyncDispose]();
    this.#elsewhere?.ended.abort();
  }

  #accept(connection: Connection): FaceSession {
    if (!this.#serving) throw noLeader();
    const session = this.#serving.accept(connection);
    this.#connections.set(session, connection);
    return {
      message: (text) => session.message(text),
      drained: () => session.drained(),
      goingAway: (afterMs) => session.goingAway(afterMs),
      closed: (why) => {
        this.#connections.delete(session);
        session.closed(why);
      },
    };
  }

  #serves(path: string, isWebSocket: boolean): ServingNode | undefined {
    if (!isShared(path, isWebSocket) || this.#serving) return undefined;
    if (!this.#elsewhere) throw noLeader();
    return this.#elsewhere.node;
  }

  #changed(leader: Leader | undefined): void {
    const isHere = this.#leadership?.isHere === true;
    this.#elsewhere?.ended.abort();
    const address = isHere ? undefined : addressOf(leader);
    const ended = new AbortController();
    this.#elsewhere = address && { node: { ...address, ended: ended.signal }, ended };
    this.#node.observer.changed({ kind: "leader", leader: leader?.node, isHere });
    if (!isHere) this.#isOver = true;
    if (this.#elsewhere) this.#waiting.end();
    this.#change();
  }

  #change(): void {
    this.#turn = this.#turn.then(() => this.#follow()).catch((error: unknown) => this.#fault(error));
  }

  /** Begins or ends to serve, as the lead is now. */
  async #follow(): Promise<void> {
    if (this.#isClosing) return;
    if (this.#isOver) await this.#end();
    if (this.#leads && !this.#serving) await this.#begin();
  }

  async #begin(): Promise<void> {
    const lead = {};
    this.#lead = lead;
    const isHeld = () => this.#leadership?.isHeld === true;
    const refusal = () => (isHeld() ? undefined : outOfTouch());
    try {
      const transcripts = await this.#takeStore(() => this.#lost(lead));
      if (!transcripts) return this.#beginSoon();
      const face = await createOpenClawFace({ ...this.#parts, transcripts, refusal });
      // For another that has led since, or if it stops.
      if (this.#isOver || this.#isClosing) return await face.close();
      this.#serving = face;
      face.resume();
      this.#waiting.end();
    } catch (error) {
      this.#fault(error);
      this.#beginSoon();
    }
  }

  #beginSoon(): void {
    this.#again = setTimeout(() => this.#change(), AGAIN_MS).unref();
  }

  /** The store as only this lead may write it; undefined if this node does not lead now. */
  async #takeStore(lost: () => void): Promise<Transcripts | undefined> {
    const { transcripts } = this.#parts;
    const leads = async () => {
      await this.#leadership?.look();
      return this.#leadership?.isHeld === true;
    };
    return transcripts.lead ? transcripts.lead({ leads, lost }) : transcripts;
  }

  /** Another has taken the store from this lead. If this node leads all the same, it begins again. */
  #lost(lead: object): void {
    if (this.#lead !== lead || this.#isOver) return;
    this.#isOver = true;
    void this.#leadership?.look().then(() => this.#change());
  }

  async #end(): Promise<void> {
    const serving = this.#serving;
    this.#serving = undefined;
    this.#lead = undefined;
    this.#isOver = false;
    for (const connection of this.#connections.values()) connection.close(CLOSE_CODE, "another node serves");
    await serving?.close();
  }

  get #isUnknown(): boolean {
    return !this.#serving && !this.#elsewhere && !this.#isClosing;
  }

  get #leads(): boolean {
    return this.#leadership?.isHere === true;
  }

  #fault(error: unknown): void {
    this.#parts.observer.fault(error, "cluster.openclaw");
  }
}

const outOfTouch = () =>
  new GatewayError(
    "cluster_unavailable",
    "the cluster is out of reach, so that no answer can begin now; running ones go on",
  );
/** Whether one node serves a path for all. */
const isShared = (path: string, isWebSocket: boolean): boolean =>
  isWebSocket ? path === "/" || path === CONTROL_UI_PATH : isAssistantMedia(path) || isControlUiSettings(path);

const noLeader = () => new GatewayError("cluster_unavailable", "no node serves conversations at this moment");

function addressOf(leader: Leader | undefined): NodeAddress | undefined {
  const { host, port, secret } = leader?.about ?? {};
  const [name, number, shown] = [asString(host), asNumber(port), asString(secret)];
  return name === undefined || number === undefined || shown === undefined
    ? undefined
    : { host: name, port: number, secret: shown };
}
