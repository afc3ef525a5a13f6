import type { z } from "zod";
import type { Scope } from "../../../../protocol/openclaw/wire.ts";
import { type Caller, mayDo, type Scope as Right } from "../../../core/caller/caller.ts";
import type { Call } from "./call.ts";
import { invalid } from "./params-error.ts";
import type { Services } from "./services.ts";

/** What a method returns when it answers through its `Call`, now or later. */
export const ANSWERED = Symbol("answered");

/** One method clients may call: its name, the right it needs, and what it does with parameters that were checked. */
export interface Method {
  readonly name: string;
  readonly scope: Scope;
  /** What a gateway key must allow besides, because the answer is about more than its own conversations. */
  readonly right: Right;
  /** Resolves to the payload of the response. Throws GatewayError; `bad_request` when the parameters are wrong. */
  invoke(services: Services, params: unknown, call: Call): unknown;
}

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
    invoke(services, params, call) {
      const parsed = schema.safeParse(params ?? {});
      if (!parsed.success) throw invalid(`${name} params`, parsed.error);
      return run(services, parsed.data, call);
    },
  };
}

/** Whether this caller's key lets it use the method at all. */
export const isOpenTo = (method: Method, caller: Caller): boolean => mayDo(caller, method.right);
