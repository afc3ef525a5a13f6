import { type Command, type CommandContext, set } from "./command.ts";

/** What a message does that is sent during a run. */
const MODES: Readonly<Record<string, string>> = {
  followup: "waits for its turn",
  interrupt: "stops the run and is answered at once",
};

/** OpenClaw's other modes change a run that is under way. */
const AGENT_MODES = new Set(["steer", "collect"]);

function show({ services, session }: CommandContext): string {
  const mode = session.text("queueMode") ?? "followup";
  const running = services.runs.active(session.key) ? "A run is active" : "No run is active";
  const waiting = services.runs.waiting(session.key).length;
  return `${running}; ${waiting} ${waiting === 1 ? "message waits" : "messages wait"}. A message sent during a run ${MODES[mode]} (${mode}).`;
}

/** `/queue`: what happens to messages that are sent during a run. */
export const queue: Command = {
  name: "queue",
  description: "Show the queue, or choose what a message does that is sent during a run",
  category: "options",
  argument: { name: "mode", description: [...Object.keys(MODES), "default"].join(", ") },
  run(context) {
    const mode = context.argument.toLowerCase();
    if (mode === "") return show(context);
    if (AGENT_MODES.has(mode)) return `${mode} is not available here: a model's answer cannot be changed midway.`;
    if (mode !== "default" && !Object.hasOwn(MODES, mode)) {
      return `There is no mode ${JSON.stringify(context.argument)}: ${Object.keys(MODES).join(", ")}, default.`;
    }
    set(context, { queueMode: mode === "default" ? null : mode });
    return show(context);
  },
};
