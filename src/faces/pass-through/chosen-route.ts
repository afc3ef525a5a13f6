import type { PassPattern } from "../../core/dialect/pass-pattern.ts";
import type { Model, Route, Routing, Target } from "../../core/dialect/routing.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

/** A route that lists a request's path, and the pattern that it lists. */
export interface Offer {
  readonly route: Route;
  readonly pattern: PassPattern;
}

/** Where a request goes, and what the provider calls its model, if the body names one. */
export interface Chosen {
  readonly target: Target;
  readonly pattern: PassPattern;
  readonly model: string | undefined;
}

/** What a provider's model may be called: it appears in the ledger and the log. */
const MODEL = /^[!-~]{1,256}$/;

/**
 * Chooses among the routes that list a path, of which there is at least one. A model in the body decides: an alias,
 * `route/alias`, `route:model`, or the provider's own name where only one route lists the path or passes it. Without one, the
 * only route that lists it, of those that `isOpen` to the caller. Throws `bad_request` if several are left, `unsupported` if
 * the model's route does not list the path. What is chosen may be closed to the caller.
 */
export function chooseRoute(
  offers: readonly [Offer, ...Offer[]],
  name: string | undefined,
  routing: Routing,
  isOpen: (route: Route) => boolean,
): Chosen {
  if (name !== undefined && !MODEL.test(name)) throw new GatewayError("bad_request", "this is no model's name");
  const named = name === undefined ? undefined : (aliased(offers, name, routing, isOpen) ?? onRoute(offers, name));
  if (named) return named;
  const passed = name === undefined ? undefined : passedBy(offers, name, routing);
  if (passed) return chosen(passed, name);
  const open = offers.filter(({ route }) => isOpen(route));
  const [first = offers[0], ...others] = open;
  if (others.length === 0) return chosen(first, name);
  const routes = open.map(({ route }) => route.name).join(", ");
  throw new GatewayError(
    "bad_request",
    `several routes take ${first.pattern.text} (${routes}): name an alias of one of them as model, or ${first.route.name}:model`,
  );
}

function aliased(
  offers: readonly Offer[],
  name: string,
  routing: Routing,
  isOpen: (route: Route) => boolean,
): Chosen | undefined {
  const model = routing.models.find(({ alias, route }) => alias === name || `${route.name}/${alias}` === name);
  if (!model) return undefined;
  const targets: readonly Target[] = model.fallback?.targets ?? [{ route: model.route, model }];
  // Those of which the caller may use none are refused by name.
  const open = targets.filter(({ route }) => isOpen(route));
  for (const { route, model: there = model } of open.length > 0 ? open : targets) {
    const offer = offers.find((each) => each.route.name === route.name);
    if (offer) {
      const target = { route: offer.route, model: { ...there, alias: model.alias, fallback: undefined } };
      return { target, pattern: offer.pattern, model: there.upstreamModel };
    }
  }
  const [{ pattern } = { pattern: undefined }] = offers;
  throw new GatewayError("unsupported", `the route of ${name} does not list ${pattern?.text ?? "this path"}`);
}

function onRoute(offers: readonly Offer[], name: string): Chosen | undefined {
  const colon = name.indexOf(":");
  const offer = colon > 0 ? offers.find(({ route }) => route.name === name.slice(0, colon)) : undefined;
  return offer && chosen(offer, name.slice(colon + 1));
}

/** The only one whose `passModels` has the name. */
function passedBy(offers: readonly Offer[], name: string, routing: Routing): Offer | undefined {
  const passing = offers.filter(({ route }) => routing.targetOn(route.name, name)?.model !== undefined);
  return passing.length === 1 ? passing[0] : undefined;
}

function chosen({ route, pattern }: Offer, name: string | undefined): Chosen {
  return { target: { route, model: name === undefined ? undefined : ownName(route, name) }, pattern, model: name };
}

/** A model by the provider's own name. */
const ownName = (route: Route, name: string): Model => ({
  alias: name,
  route,
  upstreamModel: name,
  name,
  defaults: {},
  price: undefined,
  contextWindow: undefined,
});
