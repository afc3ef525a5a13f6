/** A client of the AI SDK's chat: several chats on sockets that are cut, each answer resumed on the next one. */
import { setTimeout } from "node:timers/promises";
import { Chat, FACE, nameOf } from "./chat.ts";
import { Link } from "./link.ts";
import type { Site } from "./site.ts";

export const CHATS = ["a", "b", "c", "d"] as const;

/** Runs until the site stops. `name` is unique; `key` is the gateway key, with a cap if `isCapped`. */
export async function runChatClient(site: Site, name: string, key: string, isCapped: boolean): Promise<void> {
  const chats = CHATS.map((chat) => new Chat(site, `${name}${chat}`, key, isCapped));
  while (!site.isStopping) {
    const { below, random } = site;
    const link = await Link.open(`${site.url}/v1/chat`, key, nameOf, 50 + below(1_500), random() < 0.5);
    if (!link) await setTimeout(100);
    else {
      await Promise.all(chats.map((chat) => chat.run(link)));
      if (link.isClosed) site.tally.count("cut", FACE);
      else link.cut(false);
    }
  }
  await Promise.all(chats.map((chat) => chat.closeTabs()));
}
