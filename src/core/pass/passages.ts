import { checkOpen } from "../caller/caller.ts";
import type { InboundBudget } from "../caller/inbound-budget.ts";
import type { Clock } from "../kernel/clock.ts";
import { GatewayError, toGatewayError } from "../kernel/errors.ts";
import type { Observer } from "../ports/observer.ts";
import type { PassPort } from "../ports/passage.ts";
import type { Reservations } from "../quota/reservation.ts";
import { Holdings } from "../relay/holdings.ts";
import type { Relay } from "../relay/relay.ts";
import { Passage, type PassageReader } from "./passage.ts";
import type { PassageRequest } from "./passage-request.ts";

/** What passages are made from. */
export interface PassagesParts {
  readonly upstream: PassPort;
  /** Counts them among its streams. */
  readonly relay: Pick<Relay, "enter">;
  readonly reservations?: Reservations | undefined;
  /** The memory of request bodies until their responses begin. */
  readonly requests?: InboundBudget | undefined;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** Passes requests on as they are: decides whether they may run, and records each as a request without tokens. */
export class Passages {
  readonly #parts: PassagesParts;

  constructor(parts: PassagesParts) {
    this.#parts = parts;
  }

  /**
   * Begins a request. Its reader hears nothing before this returns. Throws `forbidden` for what the caller's key does not
   * permit, and whatever `Relay.admit`, the memory of requests and the reservations throw; then nothing is held.
   */
  open(request: PassageRequest, reader: PassageReader): Passage {
    const { caller, target, body, face } = request;
    const { relay, reservations, requests, observer, clock, newId, upstream } = this.#parts;
    checkPassed(request);
    const { id, running } = { id: `s_${newId()}`, running: { cancel: (_: GatewayError) => {} } };
    const leave = relay.enter({ cancel: (reason) => running.cancel(reason) }, caller);
    try {
      const fault = (error: unknown) => observer.fault(error, face);
      const room = body.is === "text" ? requests?.reserve(caller.name, body.text.length) : undefined;
      const reserve = () =>
        reservations?.reserve({
          stream: id,
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
      const holdings = Holdings.take(room, reserve, fault);
      const passage = new Passage(id, request, reader, { upstream, observer, clock, holdings, leave });
      running.cancel = (reason) => passage.cancel(reason);
      try {
        passage.begin();
      } catch (error) {
        passage.left(toGatewayError(error));
        throw error;
      }
      return passage;
    } catch (error) {
      leave();
      throw error;
    }
  }
}

/** Throws `forbidden` for what the caller's key does not permit. */
function checkPassed({ caller, target, upstreamKey }: PassageRequest): void {
  const { grant } = caller;
  if (grant?.models && !target.model) {
    const message = "the key is limited to models, and this request does not say which one it is for";
    throw new GatewayError("forbidden", message);
  }
  checkOpen(caller, target, upstreamKey);
  if (grant?.caps.costPerDay !== undefined || grant?.caps.costPerMonth !== undefined) {
    throw new GatewayError("forbidden", "the key has a cap on cost, and what this request costs is not known");
  }
}
