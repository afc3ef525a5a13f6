import * as z from "zod";
import { isLoopback } from "./addresses/loopback.ts";
import { isExempt } from "./addresses/no-proxy.ts";
import { Secret, type SecretSources, secretSchema } from "./secret.ts";

/** The proxy of a route, or none: `none` where the route says so. */
export interface Proxy {
  /** An http or https URL of a host and a port alone. */
  readonly url: string;
  /** `user:password`. */
  readonly credentials?: Secret | undefined;
}

const EXPECTED = "an http or https URL of host and port, such as http://proxy.example.com:3128";

/** Why a proxy's URL cannot be used; undefined if it can. Quotes nothing of it: it may hold a password. */
function faultOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null) return "a string that is no URL";
  if (url.protocol !== "https:" && url.protocol !== "http:") return "a URL of another scheme";
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") return "a URL with a path";
  return undefined;
}

const proxyUrl = z.string().superRefine((text, context) => {
  const { username = "", password = "" } = URL.parse(text) ?? {};
  const found = username + password === "" ? faultOf(text) : "a URL with credentials, which belong into credentials";
  if (found) context.addIssue({ code: "custom", params: { found, expected: EXPECTED } });
});

/** How a route says which HTTP proxy leads to its upstream. */
export const proxySchema = (sources: SecretSources) =>
  z.union(
    [
      z
        .enum(["environment", "none"])
        .describe("environment: what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say; none: connect directly"),
      proxyUrl.describe("the proxy's URL"),
      z.strictObject({
        url: proxyUrl.describe("the proxy's URL, http or https, without credentials"),
        credentials: secretSchema(sources)
          .refine((secret) => secret.reveal().includes(":"), {
            params: { found: "a secret without a colon", expected: "user:password" },
          })
          .optional()
          .describe("user:password, sent to the proxy as Basic"),
        noProxy: z
          .array(z.string().min(1))
          .default([])
          .describe("hosts that are connected directly: names with all below them, addresses, networks, or *"),
      }),
    ],
    { error: '"environment", "none", a URL, or an object with url' },
  );

/** What the environment says of the proxy to this URL. `found` and `variable` say what is wrong with it. */
type Environment = { readonly proxy?: Proxy } | { readonly found: string; readonly variable: string };

/**
 * Decides by which proxy a URL is reached: the only place that knows of exemptions. `problem` is told what is wrong with
 * the environment's.
 */
export function proxyTo(
  baseUrl: string,
  given: z.output<ReturnType<typeof proxySchema>> | undefined,
  env: SecretSources["env"],
  problem: (found: string, expected: string) => void,
): Proxy | "none" | undefined {
  if (given === undefined || given === "none") return given;
  if (given === "environment") {
    const said = environmentProxy(baseUrl, env);
    if ("found" in said) problem(`${said.found} in ${said.variable}`, EXPECTED);
    return ("proxy" in said && said.proxy) || "none";
  }
  const { noProxy, ...proxy } = typeof given === "string" ? { url: given, noProxy: [] } : given;
  const url = URL.parse(baseUrl);
  return url && isExempt(noProxy, url) ? "none" : proxy;
}

/** Names in lower case win, as with curl. */
const variableOf = (env: SecretSources["env"], name: string): string | undefined =>
  [name.toLowerCase(), name].find((each) => env[each]);

function environmentProxy(baseUrl: string, env: SecretSources["env"]): Environment {
  const url = URL.parse(baseUrl);
  const variable = variableOf(env, url?.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  const listed = env[variableOf(env, "NO_PROXY") ?? ""] ?? "";
  const exempt = listed.split(/[\s,]+/).filter((entry) => entry !== "");
  // Its own loopback is no use to anyone: without an exemption, too, as with Go.
  if (!url || variable === undefined || isLoopback(url.hostname) || isExempt(exempt, url)) return {};
  // `proxy:3128` means http, as with curl.
  const written = env[variable]?.trim() ?? "";
  const text = written.includes("://") ? written : `http://${written}`;
  const proxy = URL.parse(text);
  const found = faultOf(text);
  if (!proxy || found) return { found: found ?? "", variable };
  const { username, password, origin } = proxy;
  const credentials = `${decoded(username)}:${decoded(password)}`;
  return { proxy: { url: origin, ...(credentials !== ":" && { credentials: new Secret(credentials, variable) }) } };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * A line when the environment names a proxy that no route asked about: which routes connect directly all the same.
 * Undefined when there is nothing to say.
 */
export function ignoredProxyWarning(
  routes: Readonly<Record<string, { readonly baseUrl: string; readonly proxy?: unknown }>>,
  env: SecretSources["env"],
): string | undefined {
  const direct = Object.entries(routes).filter(([, route]) => {
    if (route.proxy !== undefined) return false;
    const said = environmentProxy(route.baseUrl, env);
    return "found" in said || said.proxy !== undefined;
  });
  if (direct.length === 0) return undefined;
  const names = direct.map(([name]) => `routes.${name}`).join(", ");
  return `the environment's HTTPS_PROXY or HTTP_PROXY is ignored: ${names} connect directly; "proxy": "environment" uses it, "none" hides this line`;
}
