import { SIDE_CHAT } from "../../../../../protocol/openclaw/side-chat-params.ts";
import { modelOf } from "../../sessions/session-row.ts";
import type { Command } from "./command.ts";

/** `/btw`: a question of the side chat. The Control UI asks it by `sessions.companion.ask`, the terminal UI as a message. */
export const btw: Command = {
  name: "btw",
  aliases: ["side"],
  description: "Ask a question beside this conversation",
  category: "session",
  argument: { name: "question", description: "what to ask; the conversation goes along, and stays as it is" },
  async run({ services, session, client, receivedAt, argument: question }) {
    const { sideChats, catalog } = services;
    const { maxQuestionCharacters } = SIDE_CHAT;
    if (question === "") return "Nothing was asked: put the question behind `/btw`.";
    if (question.length > maxQuestionCharacters)
      return `A side question has at most ${maxQuestionCharacters} characters.`;
    if (sideChats.isBusy(session.key)) return "The side chat is answering another question.";
    const { caller, upstreamKey, id: connection } = client;
    const model = modelOf(session, catalog);
    const { answer } = await sideChats.ask({ session, question, model, caller, upstreamKey, connection, receivedAt });
    return answer;
  },
};
