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
import { createOpenClawFace, faceFacts, type OpenClawFace, type OpenClawParts } from "../../faces/openclaw/face.ts";
import { isAssistantMedia } from "../../page/assistant-media.ts";
import { isControlUiSettings } from "../../page/control-ui.ts";
import type { Neighbours } from "../../transport/nodes/nodes.ts";
import type { NodeAddress, ServingNode } from "../../transport/nodes/preamble.ts";
import type { RunningServer } from "../../transport/server-parts.ts";
import type { ClusterNode } from "../node/cluster-node.ts";
import { LeaderTranscripts } from "./leader-transcripts.ts";
import type { OpenClaw } from "./openclaw-service.ts";

/** What is led. */
const WHAT = "openclaw";
/** How long a new leader waits before it reads the store again, after it could not. */
const AGAIN_MS = 1_000;
/** What clients are told that have to connect again. */
const CLOSE_CODE = CODES.shutting_down.closeCode ?? 1012;

/** The face while this node leads. */
interface Serving {
  readonly face: OpenClawFace;
  readonly transcripts: LeaderTranscripts;
}

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
  #serving: Serving | undefined;
  /** The other node that serves, and the end of that. */
  #elsewhere: { readonly node: ServingNode; readonly ended: AbortController } | undefined;
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
      callerOfDevice: (token) => this.#serving?.face.callerOfDevice(token),
      fileOf: async (key, source): Promise<MessageFile | undefined> => this.#serving?.face.fileOf(key, source),
    };
    this.neighbours = { address: this.#own, elsewhere: (path, isWebSocket) => this.#serves(path, isWebSocket) };
  }

  async start(server: Pick<RunningServer, "nodePort" | "forwarded">): Promise<void> {
    const { host, address = host } = this.#listen;
    const about = { host: address, port: server.nodePort ?? 0, secret: this.#own.secret };
    const isWilling = () => !this.#parts.relay.isStopping;
    this.#leadership = new Leadership(
      { cluster: this.#node.cluster, what: WHAT, about, isWilling },
      {
        changed: (leader) => this.#changed(leader),
        regained: () => this.#regained(),
        fault: (error) => this.#fault(error),
      },
    );
    this.#node.gauges.push({ leads: () => this.#serving !== undefined, forwarded: () => server.forwarded });
    await this.#leadership.open();
    await this.#turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#again);
    await this.#turn;
    const serving = this.#serving;
    this.#serving = undefined;
    if (serving) {
      // If Redis is away, no other leads, most likely.
      serving.transcripts.free();
      await serving.face.close();
    }
    // Only now, when all is stored that the next one reads.
    await this.#leadership?.[Symbol.asyncDispose]();
    this.#elsewhere?.ended.abort();
  }

  #accept(connection: Connection): FaceSession {
    if (!this.#serving) throw noLeader();
    const session = this.#serving.face.accept(connection);
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
    const isOurs = isWebSocket
      ? path === "/" || path === CONTROL_UI_PATH
      : isAssistantMedia(path) || isControlUiSettings(path);
    if (!isOurs || this.#serving) return undefined;
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
    this.#change();
  }

  #change(): void {
    this.#turn = this.#turn.then(() => this.#follow()).catch((error: unknown) => this.#fault(error));
  }

  #regained(): void {
    this.#serving?.transcripts.goOn();
    this.#serving?.face.resume();
  }

  /** Begins or ends to serve, as the lead is now. */
  async #follow(): Promise<void> {
    if (this.#isClosing || this.#leads === (this.#serving !== undefined)) return;
    if (this.#leads) await this.#begin();
    else await this.#end();
  }

  async #begin(): Promise<void> {
    const leadership = this.#leadership;
    const isHeld = () => leadership?.isHeld === true;
    const transcripts = new LeaderTranscripts(this.#parts.transcripts, isHeld);
    const refusal = () => (isHeld() ? undefined : outOfTouch());
    try {
      const face = await createOpenClawFace({ ...this.#parts, transcripts, refusal });
      if (!this.#leads || this.#isClosing) {
        transcripts.end();
        await face.close();
        return;
      }
      this.#serving = { face, transcripts };
      face.resume();
    } catch (error) {
      transcripts.end();
      this.#fault(error);
      this.#again = setTimeout(() => this.#change(), AGAIN_MS).unref();
    }
  }

  async #end(): Promise<void> {
    const serving = this.#serving;
    this.#serving = undefined;
    serving?.transcripts.end();
    for (const connection of this.#connections.values()) connection.close(CLOSE_CODE, "another node serves");
    await serving?.face.close();
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
const noLeader = () => new GatewayError("cluster_unavailable", "no node serves conversations at this moment");

function addressOf(leader: Leader | undefined): NodeAddress | undefined {
  const { host, port, secret } = leader?.about ?? {};
  const [name, number, shown] = [asString(host), asNumber(port), asString(secret)];
  return name === undefined || number === undefined || shown === undefined
    ? undefined
    : { host: name, port: number, secret: shown };
}
