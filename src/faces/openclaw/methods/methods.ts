import { branchMethods } from "./branches/methods-branches.ts";
import { deviceMethods } from "./devices/methods-devices.ts";
import type { Method } from "./method.ts";
import { agentMethods } from "./methods-agent.ts";
import { chatMethods } from "./methods-chat.ts";
import { emptyMethods } from "./methods-empty.ts";
import { searchMethods } from "./methods-search.ts";
import { sessionChangeMethods } from "./methods-session-changes.ts";
import { sessionMethods } from "./methods-sessions.ts";
import { statusMethods } from "./methods-status.ts";
import { systemMethods } from "./methods-system.ts";
import { probeMethods } from "./probe/methods-probe.ts";
import { sideChatMethods } from "./side-chat/methods-side-chat.ts";
import { groupMethods } from "./sidebar/methods-groups.ts";
import { patchManyMethods } from "./sidebar/methods-patch-many.ts";
import { preferenceMethods } from "./sidebar/methods-preferences.ts";
import { usageMethods } from "./usage/methods-usage.ts";

const all: readonly Method[] = [
  ...chatMethods,
  ...agentMethods,
  ...sessionMethods,
  ...sessionChangeMethods,
  ...groupMethods,
  ...patchManyMethods,
  ...preferenceMethods,
  ...sideChatMethods,
  ...probeMethods,
  ...branchMethods,
  ...searchMethods,
  ...statusMethods,
  ...systemMethods,
  ...deviceMethods,
  ...usageMethods,
  ...emptyMethods,
];

/** All methods by name; the handshake advertises this table. */
export const methods: ReadonlyMap<string, Method> = new Map(all.map((method) => [method.name, method]));
