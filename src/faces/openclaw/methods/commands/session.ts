/** The commands about the session itself. */
import { renew } from "../session-reset.ts";
import { type Command, set } from "./command.ts";

/** As long as `sessions.patch` allows, in characters. */
const MAX_NAME_LENGTH = 512;

/** `/new`: starts the session over. */
export const renewing: Command = {
  name: "new",
  aliases: ["reset", "clear"],
  description: "Start this session over",
  category: "session",
  run({ services, session, argument }) {
    // The text would be lost: a command and its answer are sent to no model.
    if (argument !== "") return "Nothing was changed: send `/new` alone, and then the message.";
    renew(services, session);
    return "A new conversation begins.";
  },
};

/** `/stop`: stops the active run and the queued messages. */
export const stop: Command = {
  name: "stop",
  aliases: ["abort"],
  description: "Stop the active run and the queued messages of this session",
  category: "session",
  run({ services, session }) {
    const stopped = services.runs.abort(session.key).length;
    if (stopped === 0) return "Nothing is running.";
    return stopped === 1 ? "Stopped." : `Stopped, with ${stopped - 1} that waited.`;
  },
};

/** `/name`: shows or changes the session's name. */
export const name: Command = {
  name: "name",
  description: "Show or change this session's name",
  category: "session",
  argument: { name: "title", description: "the new name" },
  run(context) {
    const { session, argument } = context;
    const title = argument.replace(/\s+/g, " ");
    if (title === "") {
      const known = session.text("label") ?? session.text("derivedTitle");
      return known === undefined ? "This session has no name." : `This session is called “${known}”.`;
    }
    if (title.length > MAX_NAME_LENGTH) return `A name has at most ${MAX_NAME_LENGTH} characters.`;
    set(context, { label: title });
    return `This session is called “${title}” from now on.`;
  },
};
