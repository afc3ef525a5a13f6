import type { z } from "zod";
import type { Scope } from "../../../protocol/openclaw/wire.ts";
import type { Call } from "./call.ts";
import type { Desk } from "./desk.ts";
import { invalid } from "./params-error.ts";

/** What a method returns when it answers through its `Call`, now or later. */
export const ANSWERED = Symbol("answered");

/** One method clients may call: its name, the right it needs, and what it does with parameters that were checked. */
export interface Method {
  readonly name: string;
  readonly scope: Scope;
  /** Resolves to the payload of the response. Throws GatewayError; `bad_request` when the parameters are wrong. */
  invoke(desk: Desk, params: unknown, call: Call): unknown;
}

export function method<Schema extends z.ZodType>(
  name: string,
  scope: Scope,
  schema: Schema,
  run: (desk: Desk, params: z.output<Schema>, call: Call) => unknown,
): Method {
  return {
    name,
    scope,
    invoke(desk, params, call) {
      const parsed = schema.safeParse(params ?? {});
      if (!parsed.success) throw invalid(`${name} params`, parsed.error);
      return run(desk, parsed.data, call);
    },
  };
}
