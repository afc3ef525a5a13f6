import type { PassThroughPattern } from "../../core/dialect/pass-through-pattern.ts";
import type { Model, Route, Routing, Target } from "../../core/dialect/routing.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

/** A route that lists a request's path, and the pattern that it lists. */
export interface Offer {
  readonly route: Route;
  readonly pattern: PassThroughPattern;
}

/** The routes that list a path, of which there is at least one. */
export type Offers = readonly [Offer, ...Offer[]];

/** Where a request goes, and what the provider calls its model, if the body names one. */
export interface Chosen {
  readonly target: Target;
  readonly pattern: PassThroughPattern;
  readonly model: string | undefined;
}

/** What a provider's model may be called: it appears in the ledger and the log. */
const MODEL = /^[!-~]{1,256}$/;

/**
 * Chooses a route. A model in the body decides: an alias, `route/alias`, `route:model`, or a name in the `passModels` of only
 * one of them. Otherwise it is the only one that `isOpen` to the caller. Throws `bad_request` if several are left, and
 * `unsupported` if the model's route does not list the path. What is chosen may be closed to the caller.
 */
export function chooseRoute(
  offers: Offers,
  name: string | undefined,
  routing: Routing,
  isOpen: (route: Route) => boolean,
): Chosen {
  if (name !== undefined) {
    if (!MODEL.test(name)) throw new GatewayError("bad_request", "this is no model's name");
    const named = aliased(offers, name, routing, isOpen) ?? onRoute(offers, name) ?? listedAlone(offers, name, routing);
    if (named) return named;
  }
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
  offers: Offers,
  name: string,
  routing: Routing,
  isOpen: (route: Route) => boolean,
): Chosen | undefined {
  const model = routing.models.find(({ alias, route }) => alias === name || `${route.name}/${alias}` === name);
  if (!model) return undefined;
  const targets: readonly Target[] = model.fallback?.targets ?? [{ route: model.route, model }];
  // If the caller may use none of them, the first is chosen, and refused by its name.
  const open = targets.filter(({ route }) => isOpen(route));
  for (const { route, model: there = model } of open.length > 0 ? open : targets) {
    const offer = offers.find((each) => each.route.name === route.name);
    if (offer) {
      const target = { route: offer.route, model: { ...there, alias: model.alias, fallback: undefined } };
      return { target, pattern: offer.pattern, model: there.upstreamModel };
    }
  }
  throw new GatewayError("unsupported", `the route of ${name} does not list ${offers[0].pattern.text}`);
}

function onRoute(offers: Offers, name: string): Chosen | undefined {
  const colon = name.indexOf(":");
  const offer = colon > 0 ? offers.find(({ route }) => route.name === name.slice(0, colon)) : undefined;
  return offer && chosen(offer, name.slice(colon + 1));
}

/** The only one whose `passModels` lists the name. */
function listedAlone(offers: Offers, name: string, routing: Routing): Chosen | undefined {
  const [offer, ...others] = offers.filter(({ route }) => routing.targetOn(route.name, name)?.model !== undefined);
  return offer && others.length === 0 ? chosen(offer, name) : undefined;
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
