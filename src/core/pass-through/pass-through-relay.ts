import { checkOpen } from "../caller/caller.ts";
import type { InboundBudget } from "../caller/inbound-budget.ts";
import type { Clock } from "../kernel/clock.ts";
import { GatewayError, toGatewayError } from "../kernel/errors.ts";
import type { Observer } from "../ports/observer.ts";
import type { PassThroughPort } from "../ports/pass-through.ts";
import type { Reservations } from "../quota/reservation.ts";
import { Holdings } from "../relay/holdings.ts";
import type { Relay } from "../relay/relay.ts";
import type { OpenPassThrough } from "./open-pass-through.ts";
import { PassThrough, type PassThroughReader } from "./pass-through.ts";

/** What the relay of pass-through requests is built from. */
export interface PassThroughRelayParts {
  readonly upstream: PassThroughPort;
  /** Counts them among its streams. */
  readonly relay: Pick<Relay, "enter">;
  readonly reservations?: Reservations | undefined;
  /** The memory of request bodies until their responses begin. */
  readonly requests?: InboundBudget | undefined;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** Decides whether a request may be passed through, and records each as a request without tokens. */
export class PassThroughRelay {
  readonly #parts: PassThroughRelayParts;

  constructor(parts: PassThroughRelayParts) {
    this.#parts = parts;
  }

  /**
   * Begins a request. Its reader hears nothing before this returns. Throws `forbidden` for what the caller's key does not
   * permit, and whatever `Relay.enter`, the memory of requests and the reservations throw; then nothing is held.
   */
  open(request: OpenPassThrough, reader: PassThroughReader): PassThrough {
    const { relay, observer, clock, newId, upstream } = this.#parts;
    checkPermitted(request);
    const id = `s_${newId()}`;
    let opened: PassThrough | undefined;
    const leave = relay.enter({ cancel: (reason) => opened?.cancel(reason) }, request.caller);
    try {
      const holdings = this.#take(id, request);
      const passThrough = new PassThrough(id, request, reader, { upstream, observer, clock, holdings, leave });
      opened = passThrough;
      try {
        passThrough.begin();
      } catch (error) {
        passThrough.left(toGatewayError(error));
        throw error;
      }
      return passThrough;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Takes the memory of the body, and a reservation of the caller's caps. */
  #take(stream: string, { caller, target, body, face }: OpenPassThrough): Holdings {
    const { reservations, requests, observer } = this.#parts;
    const room = body.is === "text" ? requests?.reserve(caller.name, body.text.length) : undefined;
    const reserve = () =>
      reservations?.reserve({
        stream,
        caller,
        // What it costs is not known, so no price applies.
        target: { route: target.route, model: target.model && { ...target.model, price: undefined } },
        body: {},
        inputCharacters: 0,
        isUncounted: true,
        cut: () => {},
        face,
        session: undefined,
      });
    return Holdings.take(room, reserve, (error) => observer.fault(error, face));
  }
}

/** Throws `forbidden` for what the caller's key does not permit. */
function checkPermitted({ caller, target, upstreamKey }: OpenPassThrough): void {
  const { grant } = caller;
  if (grant?.models && !target.model) {
    const message = "the key is limited to models, and this request does not say which one it is for";
    throw new GatewayError("forbidden", message);
  }
  checkOpen(caller, target, upstreamKey);
}
