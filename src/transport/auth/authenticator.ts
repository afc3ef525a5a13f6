import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Caller } from "../../core/caller/caller.ts";
import { type KeyRing, secretIdOf } from "../../core/caller/key-ring.ts";
import { isSecret, isWhole } from "../../core/caller/key-secret.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import type { Credentials } from "../../core/ports/credentials.ts";
import type { Lockout } from "../admit/lockout.ts";

/** What credentials are checked against. */
export interface AuthenticatorParts {
  /** The shared token, if there is one. */
  readonly token: string | undefined;
  readonly keys: KeyRing;
  /** Whether callers need credentials even while there is neither token nor key. */
  readonly required: boolean;
  readonly lockout: Lockout;
}

const digest = (secret: string): Buffer => createHash("sha256").update(secret).digest();

/**
 * Checks the shared token and gateway keys in constant time. Consults the lockout only for wrong ones: a stale token must
 * not lock out other clients at the same address.
 */
export function createAuthenticator({
  token,
  keys,
  required,
  lockout,
}: AuthenticatorParts): Authenticator & Credentials {
  const expected = token === undefined ? undefined : digest(token);
  const isRequired = () => required || expected !== undefined || keys.any;

  /** Throws `unauthorized` with the reason where it helps only the key's owner. */
  const callerOf = (secret: string): Caller | undefined => {
    const given = digest(secret);
    if (expected && timingSafeEqual(given, expected)) return { name: "token" };
    if (!isSecret(secret)) return undefined;
    if (!isWhole(secret))
      throw new GatewayError("unauthorized", "the key is mistyped or truncated: its checksum is wrong");
    const secretId = secretIdOf(given.toString("hex"));
    const known = keys.find(secretId);
    if (!known || !timingSafeEqual(given, Buffer.from(known.sha256, "hex"))) return undefined;
    return keys.caller(known.keyId, secretId);
  };

  const digestOf = ({ name, grant }: Caller): Buffer | undefined => {
    if (!grant) return name === "token" ? expected : undefined;
    const known = grant.secretId === undefined ? undefined : keys.find(grant.secretId);
    return known?.keyId === grant.keyId ? Buffer.from(known.sha256, "hex") : undefined;
  };

  return {
    get required() {
      return isRequired();
    },
    authenticate(secret, remoteAddress, ...others) {
      if (!isRequired()) return { name: "local" };
      if (secret === undefined) return undefined;
      const secrets = [secret, ...others];
      const refusals: unknown[] = [];
      for (const each of secrets) {
        try {
          const caller = callerOf(each);
          if (caller) return caller;
        } catch (refusal) {
          refusals.push(refusal);
        }
      }
      for (const _ of secrets) lockout.failed(remoteAddress);
      if (refusals.length > 0) throw refusals[0];
      return undefined;
    },
    failed: (remoteAddress) => lockout.failed(remoteAddress),
    current(caller) {
      if (caller.grant) return keys.caller(caller.grant.keyId, caller.grant.secretId);
      if (caller.name === "local" && isRequired())
        throw new GatewayError("unauthorized", "credentials are now required");
      return caller;
    },
    recall({ keyId, secretId }) {
      if (keyId !== undefined) return keys.caller(keyId, secretId);
      if (!expected) throw new GatewayError("unauthorized", "there is no shared token");
      return { name: "token" };
    },
    seal(caller, text) {
      const credential = digestOf(caller);
      return credential && createHmac("sha256", credential).update(text).digest("hex");
    },
  };
}
