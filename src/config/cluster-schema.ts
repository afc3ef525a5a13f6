import * as z from "zod";
import { noUrl } from "./addresses/url-problem.ts";
import { type SecretSources, secretSchema } from "./secret.ts";

/** What is wrong with a Redis' URL, without a part of it; undefined if nothing is. */
function wrongIn(text: string): string | undefined {
  const url = URL.parse(text);
  const none = noUrl(text, /^rediss?:$/);
  if (!url || none !== undefined) return none;
  if (url.search !== "" || url.hash !== "") return "a URL with ? or #, which are %3F and %23 in a password";
  if (!/^\/?\d{0,5}$/.test(url.pathname))
    return "a URL with a path that is no database's number; / is %2F in a password";
  try {
    decodeURIComponent(url.username + url.password);
    return undefined;
  } catch {
    return "a URL with a % that begins no escape; it is %25 in a password";
  }
}

const redisUrl = (sources: SecretSources) =>
  secretSchema(sources).superRefine((url, context) => {
    const found = wrongIn(url.reveal());
    const expected = "a URL such as rediss://sluice:password@redis.example.com:6379/0";
    if (found !== undefined) context.addIssue({ code: "custom", params: { found, expected } });
  });

const host = z.string().regex(/^[A-Za-z0-9._:-]{1,253}$/);

const redis = (sources: SecretSources) =>
  z.strictObject({
    url: redisUrl(sources).describe("such as rediss://user:password@host:6379/0; rediss is TLS"),
    moneyUrl: redisUrl(sources)
      .optional()
      .describe("another Redis for what is reserved under caps, which should lose nothing; by default the same"),
    caFile: z
      .string()
      .min(1)
      .optional()
      .describe("path of the certificates that sign the server's, in PEM; by default the ones Node trusts"),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, { error: "a short name of letters, digits, dots, _ and -" })
      .default("sluice")
      .describe("what the names of all keys begin with: one cluster has one prefix"),
  });

/** Several gateways that act as one: see docs/cluster.md. */
export const clusterSchema = (sources: SecretSources) =>
  z.strictObject({
    redis: redis(sources).optional().describe("the Redis that makes nodes a cluster; without it this gateway is alone"),
    listen: z
      .strictObject({
        host: host
          .default("127.0.0.1")
          .describe("an address that the other nodes reach, and nobody else: a private network's, or loopback"),
        port: z.int().min(0).max(65_535).default(0).describe("0 takes any free port"),
        address: host.optional().describe("the name or address by which other nodes reach it, if it is not the host"),
      })
      .prefault({})
      .describe("where other nodes pass on the clients that this node serves for all of them"),
    workers: z
      .union([z.int().min(1).max(256), z.literal("auto")], { error: 'a number of processes, or "auto"' })
      .default(1)
      .describe("processes behind the one port, each a node of the cluster; auto: as many as there are processors"),
  });
