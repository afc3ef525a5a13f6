import type { IncomingHttpHeaders } from "node:http";
import { CONTROL_UI_PATH } from "../../protocol/openclaw/wire.ts";
import type { Config } from "../config/schema.ts";
import { mayUse, requireScope } from "../core/caller/caller.ts";
import type { Routing } from "../core/dialect/routing.ts";
import type { Clock } from "../core/kernel/clock.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import type { Authenticator } from "../core/ports/authenticator.ts";
import type { OpenClawFace } from "../faces/openclaw/face.ts";
import { METRICS_PATH } from "../observe/metrics-page.ts";
import { createAssistantMedia } from "../page/assistant-media.ts";
import { createControlUi } from "../page/control-ui.ts";
import { createStartPage } from "../page/start-page.ts";
import { tokensOf } from "../transport/auth/credentials.ts";
import type { ServerParts } from "../transport/server-parts.ts";
import { outboundFiles } from "./inbound.ts";
import { createPageCaller } from "./page-caller.ts";

/** What the pages show and check. */
export interface PagesParts {
  readonly config: Config;
  readonly version: string;
  readonly authenticator: Authenticator;
  /** Knows device tokens, and the files of conversations. */
  readonly devices: Pick<OpenClawFace, "callerOfDevice" | "fileOf">;
  readonly routing: Routing;
  readonly clock: Clock;
  /** The clock's reading at the start, in milliseconds. */
  readonly startedAt: number;
  /** Served here unless it has its own listener. */
  readonly metricsPage: ServerParts["page"] | undefined;
}

/** The pages served where clients connect: start page, Control UI if installed, and metrics. */
export function connectPages(parts: PagesParts): ServerParts["page"] {
  const { config, version, authenticator, routing, metricsPage } = parts;
  const { controlUi: directory, agentName } = config.openclaw;
  const callerOf = (headers: IncomingHttpHeaders, address: string) => {
    const [token, ...others] = tokensOf(headers);
    return authenticator.authenticate(token, address, ...others);
  };
  const pageCallerOf = createPageCaller(authenticator, parts.devices);
  const controlUi =
    directory === undefined
      ? undefined
      : createControlUi({
          directory,
          version,
          agentName,
          basePath: config.listen.basePath,
          // The first gateway key may be created later.
          authRequired: () => authenticator.required,
          authorised: (headers, address) => pageCallerOf(headers, address) !== undefined,
        });
  const downloads = outboundFiles();
  const assistantMedia = createAssistantMedia({
    callerOf: pageCallerOf,
    current: (caller) => authenticator.current(caller),
    fileOf: (sessionKey, source) => parts.devices.fileOf(sessionKey, source),
    reserve: ({ name }, bytes) => downloads.reserve(name, bytes),
    now: () => parts.clock.wall(),
  });
  const startPage = createStartPage({
    version,
    callerOf,
    info: (caller) => ({
      uptimeS: Math.floor((parts.clock.now() - parts.startedAt) / 1000),
      authRequired: authenticator.required,
      demo: config.demo,
      controlUi: controlUi && `${CONTROL_UI_PATH}/`,
      metrics: metricsPage !== undefined && !config.metrics.listen,
      ...(caller && {
        caller: {
          name: caller.name,
          scopes: caller.grant ? [...caller.grant.scopes] : null,
          caps: { ...caller.grant?.caps },
          team: caller.grant?.team,
        },
      }),
      models: routing.models
        .filter((model) => !caller || mayUse(caller, { route: model.route, model }))
        .map(({ alias, name, route }) => ({ alias, name, route: route.name, dialect: route.dialect.name })),
    }),
  });
  return (request) => {
    if (!metricsPage || config.metrics.listen || request.path !== METRICS_PATH)
      return assistantMedia(request) ?? controlUi?.(request) ?? startPage(request);
    const caller = callerOf(request.headers, request.remoteAddress);
    if (!caller) throw new GatewayError("unauthorized");
    requireScope(caller, "read");
    return metricsPage(request);
  };
}
