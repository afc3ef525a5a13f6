/** The OpenClaw face over the real authenticator, and devices that sign in. */
import { type GatewayKey, KeyRing } from "../../../src/core/caller/key-ring.ts";
import type { Transcripts } from "../../../src/core/ports/transcripts.ts";
import { createMemoryTranscripts } from "../../../src/storage/transcripts/memory-transcripts.ts";
import { Lockout } from "../../../src/transport/admit/lockout.ts";
import { createAuthenticator } from "../../../src/transport/auth/authenticator.ts";
import { type Device, newDevice, signedDevice } from "./device.ts";
import { type FakeConnection, type Payload, ResponseError } from "./openclaw-client.ts";
import { type Rig, startRig } from "./openclaw-rig.ts";

export interface Setting {
  readonly token?: string | undefined;
  readonly keys?: readonly GatewayKey[];
  readonly transcripts?: Transcripts;
  readonly failuresPerMinute?: number;
}

export interface SignInOptions {
  readonly device?: Device;
  readonly scopes?: readonly string[];
  readonly auth?: Readonly<Record<string, string>>;
  /** Instead of the first of `auth`: what the signature covers. */
  readonly signedToken?: string;
  readonly clientId?: string;
}

/** What `connect` was answered with. */
export interface SignedIn {
  readonly connection: FakeConnection;
  /** The error's details, if it was refused. */
  readonly refusal: Payload | undefined;
  readonly auth: Payload;
  readonly deviceToken: string | undefined;
}

export interface DeviceRig extends Rig {
  readonly keys: KeyRing;
  readonly device: Device;
  signIn(options: SignInOptions): Promise<SignedIn>;
}

/** A gateway with a shared token, or with keys instead. The clock of the rig stands still unless a test moves it. */
export async function startDeviceRig(setting: Setting = { token: "shared" }): Promise<DeviceRig> {
  const transcripts = setting.transcripts ?? createMemoryTranscripts();
  const time = { read: () => 0 };
  const keys = new KeyRing(() => time.read());
  keys.replace(setting.keys ?? []);
  const clock = { now: () => time.read(), wall: () => time.read() };
  const lockout = new Lockout({ failuresPerMinute: setting.failuresPerMinute ?? 3, lockoutMs: 60_000, clock });
  const authenticator = createAuthenticator({ token: setting.token, required: false, keys, lockout });
  const rig = await startRig({ authenticator, credentials: authenticator, transcripts });
  time.read = () => rig.clock.nowMs;
  const own = newDevice();

  async function signIn(options: SignInOptions): Promise<SignedIn> {
    const { device = own, scopes = ["operator.admin"], auth = {}, clientId = "openclaw-control-ui" } = options;
    const connection = rig.open();
    const { nonce } = connection.client.payloads("connect.challenge")[0] ?? {};
    const client = { id: clientId, version: "1", platform: "test", mode: "webchat" };
    const token = options.signedToken ?? auth.token ?? auth.deviceToken ?? "";
    const facts = { client, scopes, token, nonce: String(nonce), signedAt: rig.clock.nowMs };
    const params = { minProtocol: 4, maxProtocol: 4, client, role: "operator", scopes, auth };
    const answer = await connection.client
      .request("connect", { ...params, device: signedDevice(device, facts) })
      .catch((error: unknown) => error);
    if (!(answer instanceof ResponseError)) {
      const { auth: granted } = answer as { auth: Payload };
      const deviceToken = granted.deviceToken === undefined ? undefined : String(granted.deviceToken);
      return { connection, refusal: undefined, auth: granted, deviceToken };
    }
    const refusal = { ...(answer.error.details as Payload), message: answer.error.message };
    return { connection, refusal, auth: {}, deviceToken: undefined };
  }
  return Object.assign(rig, { keys, device: own, signIn });
}
