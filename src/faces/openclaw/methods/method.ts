import type * as z from "zod";
import type { Scope } from "../../../../protocol/openclaw/wire.ts";
import { type Caller, mayDo, type Scope as Right } from "../../../core/caller/caller.ts";
import type { Call } from "./call.ts";
import { invalid } from "./params-error.ts";
import type { Services } from "./services.ts";

/** Returned by a method that responds through its `Call`, now or later. */
export const ANSWERED = Symbol("answered");

/** A method that clients may call: its name, the rights it needs, and what it does. */
export interface Method {
  readonly name: string;
  readonly scope: Scope;
  /** The scope a gateway key needs besides, for results about more than the caller's own conversations. */
  readonly right: Right;
  /** What its parameters may be. */
  readonly params: z.ZodType;
  /** Resolves to the payload of the response. Throws GatewayError; `bad_request` when the parameters are wrong. */
  invoke(services: Services, params: unknown, call: Call): unknown;
}

/** A method whose parameters are checked against `schema`. */
export function method<Schema extends z.ZodType>(
  name: string,
  scope: Scope,
  schema: Schema,
  run: (services: Services, params: z.output<Schema>, call: Call) => unknown,
  right: Right = "chat",
): Method {
  return {
    name,
    scope,
    right,
    params: schema,
    invoke(services, params, call) {
      const parsed = schema.safeParse(params ?? {});
      if (!parsed.success) throw invalid(`${name} params`, parsed.error);
      return run(services, parsed.data, call);
    },
  };
}

/** Whether the caller's key allows the method. */
export const isOpenTo = (method: Method, caller: Caller): boolean => mayDo(caller, method.right);
