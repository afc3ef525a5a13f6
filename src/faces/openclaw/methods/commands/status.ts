import { selectionOf, thinkingFields } from "../../sessions/model-catalog.ts";
import type { Session } from "../../sessions/session.ts";
import { modelOf } from "../../sessions/session-row.ts";
import type { Command } from "./command.ts";
import { duration } from "./duration.ts";

/** The context's size after the last answer, by the provider's count. */
function contextUsed(session: Session, contextWindow: number | undefined): string {
  const used = session.setting("totalTokens");
  const of = contextWindow === undefined ? "" : ` of ${contextWindow.toLocaleString("en")}`;
  return typeof used === "number"
    ? `${used.toLocaleString("en")}${of} tokens`
    : `not counted yet${of && `,${of} tokens`}`;
}

/** `/status`: what this session talks to and how it stands. */
export const status: Command = {
  name: "status",
  aliases: ["gateway-status", "gwstatus"],
  description: "Show the model, its route, the context, the queue and the gateway's version",
  category: "status",
  run({ services, session }) {
    const { catalog, runs, clock, version, startedAt } = services;
    const model = modelOf(session, catalog);
    const { route, upstreamModel, contextWindow } = model;
    const waiting = runs.waiting(session.key).length;
    const name = session.text("label") ?? session.text("derivedTitle");
    return [
      `- Gateway: Sluice ${version}, up for ${duration(clock.wall() - startedAt)}`,
      `- Session: \`${session.key}\`${name === undefined ? "" : ` (${name})`}`,
      `- Model: \`${selectionOf(model)}\`, at the provider \`${upstreamModel}\``,
      `- Route: ${route.name} (${route.dialect.name})`,
      `- Context: ${contextUsed(session, contextWindow)}`,
      `- Thinking: ${session.text("thinkingLevel") ?? thinkingFields.thinkingDefault}`,
      `- Queue: ${runs.active(session.key) ? "a run is active" : "no run is active"}, ${waiting} waiting`,
    ].join("\n");
  },
};
