import { TestRedis } from "../../support/stores/redis-server.ts";
import { killing } from "../killed-chats.ts";

const KILLS = 30;
/** The promise of docs/cluster.md: another node leads within this time, in milliseconds. */
const LED_MS = 8_000;

export const clusterKilledLeaders = killing({
  name: "cluster:killed-leaders",
  about: `of three nodes, the one that serves conversations is killed in mid-answer, ${KILLS} times`,
  kills: KILLS,
  startRedis: () => TestRedis.start(),
  awayMs: LED_MS,
});
