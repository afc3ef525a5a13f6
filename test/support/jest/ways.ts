import { afterAll } from "@jest/globals";
import { openUpstream } from "../clients/loopback-call.ts";
import { startConnectProxy } from "../network/connect-proxy.ts";

const proxy = await startConnectProxy();
afterAll(() => proxy[Symbol.asyncDispose]());

/** `openUpstream` by a way. */
export type OpenUpstream = typeof openUpstream;

const openThroughProxy: OpenUpstream = (baseUrl, route, options) =>
  openUpstream(baseUrl, { ...route, proxy: { url: proxy.url } }, options);

/** Every way to an upstream, and the reason that its connections give where nobody listens. */
export const WAYS: readonly (readonly [way: string, openUpstream: OpenUpstream, refusal: string])[] = [
  ["straight", openUpstream, "ECONNREFUSED"],
  ["through a proxy", openThroughProxy, "proxy_refused"],
];
