import { GatewayError, toGatewayError } from "../../../../core/kernel/errors.ts";
import { messageFingerprint, RunRecord } from "../../runs/run-records.ts";
import type { Session } from "../../sessions/session.ts";
import type { Call } from "../call.ts";
import type { Services } from "../services.ts";
import { whyNot } from "./not-here.ts";
import { type CommandWords, readCommand } from "./read-command.ts";
import { commandNamed } from "./table.ts";

/** A message that may be a command. */
export interface CommandMessage {
  readonly key: string;
  readonly runId: string;
  readonly message: string;
  /** How many files come with it. */
  readonly attachments: number;
}

/**
 * Answers a message that begins with a `/word` as a run would, at once, even during a run. Neither the message nor the
 * answer is sent to a model or counted. `acknowledge` responds before the answer is told, `repeated` instead of a second
 * answer. Resolves to false if the message is no command.
 */
export async function runCommand(
  services: Services,
  call: Call,
  { key, runId, message, attachments }: CommandMessage,
  acknowledge: (record: RunRecord) => void,
  repeated: (record: RunRecord) => void,
): Promise<boolean> {
  const words = readCommand(message);
  if (!words) return false;
  const session = await services.sessions.openOrCreate(key);
  const content = [{ type: "text", text: message }] as const;
  const fingerprint = messageFingerprint(session, content);
  const earlier = services.records.find(runId, session, fingerprint);
  if (earlier) {
    repeated(earlier);
    return true;
  }
  const record = new RunRecord(runId, session.key, fingerprint);
  record.startedAt = services.clock.wall();
  services.records.add(record);
  acknowledge(record);
  try {
    const said = attachments > 0 ? noFiles(words) : await say(services, session, call, words);
    // Deleted while the command asked a model.
    if (services.sessions.get(session.key) !== session) throw new GatewayError("unknown_session");
    services.runner.reply(session, runId, content, said);
    record.message = session.messages.at(-1);
    record.conclude({ status: "ok", stopReason: "stop", endedAt: services.clock.wall() });
  } catch (thrown) {
    record.conclude({ status: "error", error: toGatewayError(thrown), endedAt: services.clock.wall() });
    throw thrown;
  }
  return true;
}

const noFiles = ({ word }: CommandWords): string =>
  `\`/${word}\` takes no attachments, and nothing was sent to the model. To send them with this text, begin it with \`//\`.`;

/** What the command says; a failed one says why. */
async function say(
  services: Services,
  session: Session,
  call: Call,
  { word, argument }: CommandWords,
): Promise<string> {
  const command = commandNamed(word);
  if (!command) return whyNot(word);
  try {
    return await command.run({ services, session, client: call.client, receivedAt: call.receivedAt, argument });
  } catch (thrown) {
    const { code, message } = toGatewayError(thrown);
    if (code === "internal") services.observer.fault(thrown, `openclaw /${word}`);
    return `\`/${word}\` failed: ${message}.`;
  }
}
