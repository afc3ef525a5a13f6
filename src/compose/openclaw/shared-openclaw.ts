import { randomBytes } from "node:crypto";
import { CODES } from "../../../protocol/codes.ts";
import { CONTROL_UI_PATH } from "../../../protocol/openclaw/wire.ts";
import { type Leader, Leadership } from "../../cluster/leadership/leadership.ts";
import type { Member } from "../../cluster/link/member.ts";
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
import type { NodeAddress } from "../../transport/nodes/preamble.ts";
import type { OpenClaw } from "./openclaw-service.ts";

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
  readonly #member: Member;
  readonly #own: NodeAddress;
  readonly #connections = new Map<FaceSession, Connection>();
  #leadership: Leadership | undefined;
  #serving: OpenClawFace | undefined;
  /** One change of the lead after the other. */
  #turn: Promise<void> = Promise.resolve();
  #again: NodeJS.Timeout | undefined;
  #isClosing = false;

  constructor(parts: OpenClawParts, listen: Config["cluster"]["listen"], member: Member) {
    this.#parts = parts;
    this.#listen = listen;
    this.#member = member;
    this.#own = { host: listen.host, port: listen.port, secret: randomBytes(32).toString("hex") };
    this.face = { ...faceFacts(parts), accept: (connection) => this.#accept(connection) };
    this.pages = {
      callerOfDevice: (token) => this.#serving?.callerOfDevice(token),
      fileOf: async (key, source): Promise<MessageFile | undefined> => this.#serving?.fileOf(key, source),
    };
    this.neighbours = { address: this.#own, elsewhere: (path, isWebSocket) => this.#elsewhere(path, isWebSocket) };
  }

  async start(nodePort: number | undefined): Promise<void> {
    const { host, address = host } = this.#listen;
    const about = { host: address, port: nodePort ?? 0, secret: this.#own.secret };
    this.#leadership = new Leadership(this.#member, WHAT, about, {
      changed: () => this.#change(),
      fault: (error) => this.#fault(error),
    });
    await this.#leadership.open();
    await this.#turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#again);
    await this.#turn;
    const face = this.#serving;
    this.#serving = undefined;
    await face?.close();
    // Only now, when all is stored that the next one reads.
    await this.#leadership?.[Symbol.asyncDispose]();
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

  #elsewhere(path: string, isWebSocket: boolean): NodeAddress | undefined {
    const isOurs = isWebSocket
      ? path === "/" || path === CONTROL_UI_PATH
      : isAssistantMedia(path) || isControlUiSettings(path);
    if (!isOurs || this.#serving) return undefined;
    const { leader, isHere } = this.#leadership ?? {};
    // It serves in a moment.
    const address = isHere ? undefined : addressOf(leader);
    if (!address) throw noLeader();
    return address;
  }

  #change(): void {
    this.#turn = this.#turn.then(() => this.#follow()).catch((error: unknown) => this.#fault(error));
  }

  /** Begins or ends to serve, as the lead is now. */
  async #follow(): Promise<void> {
    if (this.#isClosing) return;
    const leads = this.#leadership?.isHere === true;
    if (leads === (this.#serving !== undefined)) return;
    if (leads) {
      await this.#begin();
      return;
    }
    const face = this.#serving;
    this.#serving = undefined;
    for (const connection of this.#connections.values()) connection.close(CLOSE_CODE, "another node serves");
    await face?.close();
  }

  async #begin(): Promise<void> {
    try {
      const face = await createOpenClawFace(this.#parts);
      this.#serving = face;
      face.resume();
    } catch (error) {
      this.#fault(error);
      this.#again = setTimeout(() => this.#change(), AGAIN_MS).unref();
    }
  }

  #fault(error: unknown): void {
    this.#parts.observer.fault(error, "cluster.openclaw");
  }
}

const noLeader = () => new GatewayError("cluster_unavailable", "no node serves conversations at this moment");

function addressOf(leader: Leader | undefined): NodeAddress | undefined {
  const { host, port, secret } = leader?.about ?? {};
  const [name, number, shown] = [asString(host), asNumber(port), asString(secret)];
  return name === undefined || number === undefined || shown === undefined
    ? undefined
    : { host: name, port: number, secret: shown };
}
