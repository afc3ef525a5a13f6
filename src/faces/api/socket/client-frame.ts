import { GatewayError } from "../../../core/kernel/errors.ts";
import { asObject, asString, isObject, type JsonObject, parseRelayedJson } from "../../../core/kernel/json.ts";
import { whyUnfit } from "../request/api-request.ts";

/** `response.create`: a request for a response. */
export interface CreateFrame {
  readonly type: "create";
  /** The body of `POST /v1/responses`, without the fields that only this socket knows. */
  readonly body: JsonObject;
  /** The lane; undefined for the one without a name. */
  readonly lane: string | undefined;
  /** False for a warm-up, which generates nothing. */
  readonly generate: boolean;
  /** The response that this one continues. */
  readonly previousId: string | undefined;
}

/** A frame of a client. Frames of unknown types are ignored: clients send such as they please. */
export type ClientFrame =
  | CreateFrame
  | { readonly type: "cancel"; readonly lane: string | undefined; readonly responseId: string | undefined }
  | { readonly type: "steer"; readonly responseId: string; readonly input: unknown }
  | { readonly type: "ignored" };

/** A lane's name is repeated in every event. */
const MAX_LANE_LENGTH = 64;

/** Reads a text frame. Throws `bad_frame` if it is no JSON object with a type, `bad_request` for invalid fields. */
export function readClientFrame(text: string): ClientFrame {
  const frame = parseRelayedJson(text);
  if (!isObject(frame)) throw new GatewayError("bad_frame", whyUnfit(text));
  switch (frame.type) {
    case "response.create":
      return createFrame(frame);
    case "response.cancel":
      return { type: "cancel", lane: laneOf(frame), responseId: asString(frame.response_id) };
    case "response.steer":
      return { type: "steer", responseId: asString(frame.previous_response_id) ?? "", input: frame.input };
    default:
      if (typeof frame.type !== "string") throw new GatewayError("bad_frame", "a frame has a type");
      return { type: "ignored" };
  }
}

function createFrame(frame: JsonObject): CreateFrame {
  const { type: _, response, ...outer } = frame;
  // Some clients nest the body, as in the Realtime API.
  const { stream_id, generate, previous_response_id, background, event_id, ...body } = {
    ...outer,
    ...asObject(response),
  };
  if (background === true) throw new GatewayError("unsupported", "background responses need the provider's own API");
  if (previous_response_id !== undefined && previous_response_id !== null && typeof previous_response_id !== "string") {
    throw new GatewayError("bad_request", "previous_response_id is a string");
  }
  return {
    type: "create",
    body: { ...body, stream: true },
    lane: laneOf({ stream_id }),
    generate: generate !== false,
    previousId: asString(previous_response_id),
  };
}

function laneOf({ stream_id: lane }: JsonObject): string | undefined {
  if (lane === undefined || lane === null) return undefined;
  if (typeof lane === "string" && lane !== "" && lane.length <= MAX_LANE_LENGTH) return lane;
  throw new GatewayError("bad_request", `stream_id is a text of 1 to ${MAX_LANE_LENGTH} characters`);
}
