import type { ClientSession } from "../../clients/client-session.ts";
import type { Session } from "../../sessions/session.ts";
import type { Services } from "../services.ts";

/** What a command works on. */
export interface CommandContext {
  readonly services: Services;
  readonly session: Session;
  readonly client: ClientSession;
  /** When the message's frame arrived, on the monotonic clock in milliseconds. */
  readonly receivedAt: number;
  /** What follows the word, trimmed. */
  readonly argument: string;
}

/** A `/word` that the gateway answers itself. */
export interface Command {
  /** Without the slash, in lower case. */
  readonly name: string;
  /** Further words for it. */
  readonly aliases?: readonly string[];
  readonly description: string;
  readonly category: "session" | "options" | "status";
  readonly argument?: { readonly name: string; readonly description: string };
  /** Runs the command and returns what to say, as Markdown. Throws GatewayError, whose message is said instead. */
  readonly run: (context: CommandContext) => string | Promise<string>;
}

/** Changes a setting of the session and tells the clients. */
export function set({ services, session }: CommandContext, changes: Parameters<typeof services.sessions.patch>[1]) {
  services.sessions.patch(session, changes);
  services.news.changed(session.key, "patch");
}
