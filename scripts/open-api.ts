import * as z from "zod";
import { CODES } from "../protocol/codes.ts";
import { ErrorBody } from "../protocol/stream.ts";
import { USAGE_GROUPS } from "../src/core/ledger/usage-query.ts";
import { STREAMS_PATH } from "../src/core/running/stream-view.ts";
import { TARGETS_PATH } from "../src/core/targets/target-views.ts";
import { GOOGLE_MODEL_PATH, GOOGLE_MODELS_PATH, MODEL_PATH, MODELS_PATH } from "../src/faces/api/models.ts";
import { APIS, type Api } from "../src/faces/api/request/apis.ts";
import { CANCEL_PATH, EVENTS_PATH } from "../src/faces/http-streams/face.ts";
import { USAGE_PATH } from "../src/faces/usage/face.ts";
import { ONE_STREAM_PATH } from "../src/faces/usage/streams-face.ts";
import { METRICS_PATH } from "../src/observe/metrics-page.ts";
import { TICKET_PATH } from "../src/transport/auth/ticket-face.ts";

const VENDORS = {
  "anthropic-messages": "Anthropic's Messages API",
  "openai-chat": "OpenAI's Chat Completions API",
  "openai-responses": "OpenAI's Responses API",
  "google-gemini": "Google's Gemini API",
} as const;

const vendorOf = ({ dialect }: Api): string =>
  Object.entries(VENDORS).find(([name]) => name === dialect)?.[1] ?? dialect;

const json = (schema: object, description: string) => ({ description, content: { "application/json": { schema } } });
const text = (description: string, type = "text/plain") => ({
  description,
  content: { [type]: { schema: { type: "string" } } },
});
const error = { $ref: "#/components/responses/Error" };
const query = (name: string, description: string, schema: object = { type: "string" }) => ({
  name,
  in: "query",
  description,
  schema,
});
const inPath = (name: string) => ({ name, in: "path", required: true, schema: { type: "string" } });
const anything = { type: "object", additionalProperties: true };

const status = (value: string) => ({
  type: "object",
  required: ["status"],
  properties: { status: { const: value } },
});

/** The paths of an endpoint: Google has one for whole answers and one for streams. */
const pathsOf = ({ path }: Api): readonly string[] =>
  path.endsWith(":streamGenerateContent") ? [path, path.replace(":streamGenerateContent", ":generateContent")] : [path];

/** A vendor's endpoint: its bodies are the vendor's, and go upstream as they came. */
function vendorOperation(api: Api, path: string) {
  const isInPath = path.includes("{model}");
  const answers = {
    ...json(anything, "the provider's answer; a stream of server-sent events if `stream` is true"),
  };
  const events = { "text/event-stream": { schema: { type: "string" } } };
  return {
    operationId: path === api.path ? api.name : `${api.name}-unary`,
    tags: ["Models"],
    summary: `${vendorOf(api)}: ${path}`,
    parameters: [
      ...(isInPath ? [inPath("model")] : []),
      ...api.switches.map((name) => ({ name, in: "header", schema: { type: "string" } })),
      {
        name: "x-sluice-upstream-key",
        in: "header",
        description: "the caller's own provider key",
        schema: { type: "string" },
      },
      ...(api.below === undefined
        ? [
            {
              name: "idempotency-key",
              in: "header",
              description: "a repetition attaches to the earlier stream",
              schema: { type: "string" },
            },
          ]
        : []),
    ],
    requestBody: {
      required: true,
      content: {
        "application/json": {
          schema: {
            type: "object",
            ...(!isInPath && { required: ["model"] }),
            properties: {
              model: {
                type: "string",
                minLength: 1,
                description: "an alias, or a provider's model that a route passes",
              },
              ...(api.below === undefined && { stream: { type: ["boolean", "null"] } }),
            },
            additionalProperties: true,
          },
        },
      },
    },
    responses: {
      "200": api.below === undefined ? { ...answers, content: { ...answers.content, ...events } } : answers,
      default: { $ref: "#/components/responses/VendorError" },
    },
  };
}

const own = {
  [MODELS_PATH]: {
    get: {
      operationId: "list-models",
      tags: ["Models"],
      summary: "The models that the caller may use, in OpenAI's form, or Anthropic's if anthropic-version is sent",
      responses: { "200": json(anything, "the list"), default: { $ref: "#/components/responses/VendorError" } },
    },
  },
  [MODEL_PATH]: {
    get: {
      operationId: "get-model",
      tags: ["Models"],
      summary: "One model",
      parameters: [inPath("model")],
      responses: { "200": json(anything, "the model"), default: { $ref: "#/components/responses/VendorError" } },
    },
  },
  [GOOGLE_MODELS_PATH]: {
    get: {
      operationId: "list-google-models",
      tags: ["Models"],
      summary: "The models that the caller may use and that speak Google's API, in its form",
      responses: { "200": json(anything, "the list"), default: { $ref: "#/components/responses/VendorError" } },
    },
  },
  [GOOGLE_MODEL_PATH]: {
    get: {
      operationId: "get-google-model",
      tags: ["Models"],
      summary: "One model, in Google's form",
      parameters: [inPath("model")],
      responses: { "200": json(anything, "the model"), default: { $ref: "#/components/responses/VendorError" } },
    },
  },
  [STREAMS_PATH]: {
    get: {
      operationId: "list-streams",
      tags: ["Streams"],
      summary: "The caller's running streams, on all nodes of a cluster; of all callers for the scope admin",
      responses: {
        "200": json(
          {
            type: "object",
            required: ["streams"],
            properties: {
              streams: { type: "array", items: anything },
              node: {
                type: "string",
                description: "of a cluster: the node that answers",
              },
              unlisted: {
                type: "integer",
                description: "of a cluster: how many more run on other nodes, beyond what those tell",
              },
              silent: {
                type: "array",
                items: { type: "string" },
                description: "of a cluster: the nodes that did not answer within a second",
              },
              unasked: {
                type: "integer",
                description: "of a cluster: how many nodes could not be asked, as Redis does not answer",
              },
            },
          },
          "the streams",
        ),
        default: error,
      },
    },
  },
  [ONE_STREAM_PATH]: {
    delete: {
      operationId: "end-stream",
      tags: ["Streams"],
      summary: "Ends one of the caller's running streams, on any node; one of any caller for the scope admin",
      parameters: [inPath("stream")],
      responses: { "204": { description: "done" }, default: error },
    },
  },
  [EVENTS_PATH]: {
    get: {
      operationId: "read-stream",
      tags: ["Streams"],
      summary: "Reads one of the caller's streams, as server-sent events or by long poll",
      parameters: [
        inPath("stream"),
        query("after", "where to continue: `<epoch>-<seq>`, or a seq"),
        query("wait", "long poll: how long to wait for events, such as 25s; at most 60s"),
        { name: "last-event-id", in: "header", description: "as EventSource sends it", schema: { type: "string" } },
      ],
      responses: {
        "200": text("the events", "text/event-stream"),
        "204": { description: "all has been read" },
        default: error,
      },
    },
  },
  [CANCEL_PATH]: {
    post: {
      operationId: "cancel-stream",
      tags: ["Streams"],
      summary: "Cancels one of the caller's streams; the same answer for any other",
      parameters: [inPath("stream")],
      responses: { "204": { description: "done" }, default: error },
    },
  },
  [TICKET_PATH]: {
    post: {
      operationId: "create-ticket",
      tags: ["Callers"],
      summary: "A one-time ticket with which a page opens a WebSocket",
      parameters: [query("origin", "the origin of the page, where a server asks for it")],
      responses: {
        "201": json(
          {
            type: "object",
            required: ["ticket", "expiresInMs"],
            properties: { ticket: { type: "string" }, expiresInMs: { type: "integer" } },
          },
          "the ticket",
        ),
        default: error,
      },
    },
  },
  [USAGE_PATH]: {
    get: {
      operationId: "usage",
      tags: ["Callers"],
      summary: "Usage and cost from the ledger; of all callers for the scope admin",
      parameters: [
        query("by", "the group", { enum: [...USAGE_GROUPS], default: "day" }),
        query("since", "a day, a time with its offset, or 7d, 24h, 90m ago"),
        query("until", "the same"),
        query("tz", "the time zone of days, such as Europe/Berlin"),
        query("caller", "one caller; for the scope admin"),
      ],
      responses: {
        "200": json(
          {
            type: "object",
            required: ["by", "lines"],
            properties: { by: { type: "string" }, lines: { type: "array", items: anything } },
          },
          "the report",
        ),
        default: error,
      },
    },
  },
  [TARGETS_PATH]: {
    get: {
      operationId: "targets",
      tags: ["Operation"],
      summary: "What the models run on, and how well; for the scope admin",
      responses: {
        "200": json(
          {
            type: "object",
            required: ["targets"],
            properties: {
              targets: { type: "array", items: anything },
              node: { type: "string", description: "of a cluster: the node whose own figures these are" },
            },
          },
          "the targets",
        ),
        default: error,
      },
    },
  },
  [METRICS_PATH]: {
    get: {
      operationId: "metrics",
      tags: ["Operation"],
      summary: "Metrics for Prometheus, unless metrics.listen gives them a listener of their own; for the scope read",
      responses: { "200": text("the metrics"), default: error },
    },
  },
  "/start.json": {
    get: {
      operationId: "start",
      tags: ["Operation"],
      summary: "What runs: the version, and the models that the caller may use",
      responses: { "200": json(anything, "what runs"), default: error },
    },
  },
  "/healthz": {
    get: {
      operationId: "healthz",
      tags: ["Operation"],
      summary: "Whether the process works",
      security: [],
      responses: { "200": json(status("live"), "it does") },
    },
  },
  "/readyz": {
    get: {
      operationId: "readyz",
      tags: ["Operation"],
      summary: "Whether new work is welcome",
      security: [],
      responses: { "200": json(anything, "it is"), "503": json(anything, "the gateway is stopping") },
    },
  },
};

/** The HTTP faces as OpenAPI 3.1. WebSockets, the start page and the Control UI are not in it. */
export function openApi(version: string) {
  const { $schema: _, ...body } = z.toJSONSchema(ErrorBody, { target: "draft-2020-12", io: "output" });
  return {
    openapi: "3.1.0",
    info: {
      title: "Sluice",
      version,
      description: "The HTTP APIs of Sluice, a streaming gateway. Bodies of vendors' APIs are the vendors' own.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "http://127.0.0.1:18789" }],
    security: [{ token: [] }, { apiKey: [] }],
    paths: {
      ...Object.fromEntries(
        APIS.flatMap((api) => pathsOf(api).map((path) => [path, { post: vendorOperation(api, path) }])),
      ),
      ...own,
    },
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "the shared token, or a gateway key" },
        apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
      },
      schemas: {
        Code: { enum: Object.keys(CODES), description: "protocol/codes.ts says what each means" },
        Error: { type: "object", required: ["error"], properties: { error: body } },
      },
      responses: {
        Error: json({ $ref: "#/components/schemas/Error" }, "refused"),
        VendorError: json(anything, "refused, in the vendor's own form"),
      },
    },
  };
}
