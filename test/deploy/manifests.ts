import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "@jest/globals";
import { parseAllDocuments } from "yaml";
import { asObject, type JsonObject } from "../../src/core/kernel/json.ts";
import { DEPLOY } from "../support/network/front-proxy.ts";

/** The value at a path of keys and indexes; undefined where there is none. */
export const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (inner, key) => (inner === undefined || inner === null ? undefined : Reflect.get(Object(inner), key)),
    value,
  );

/** The documents of the Kubernetes manifests in a folder of deploy/, and the one of a kind. */
export function manifestsIn(folder: string) {
  const documents = globSync(`${folder}/*.yaml`, { cwd: DEPLOY })
    .flatMap((file) => parseAllDocuments(readFileSync(join(DEPLOY, file), "utf8")))
    .map((document): JsonObject => asObject(document.toJS()) ?? {});
  return { documents, ofKind: (kind: string) => documents.find((document) => document.kind === kind) ?? {} };
}

/** A pod gives its process no right, and nothing to write but its volumes. */
export function expectNoRights(pod: unknown): void {
  expect(at(pod, "securityContext")).toMatchObject({
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  });
  expect(at(pod, "containers", 0, "securityContext")).toEqual({
    ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
    capabilities: { drop: ["ALL"] },
  });
  expect(at(pod, "automountServiceAccountToken")).toBe(false);
}

/** For how long a probe may fail before Kubernetes acts. */
export const patienceMs = (probe: unknown): number =>
  Number(at(probe, "periodSeconds")) * Number(at(probe, "failureThreshold")) * 1_000;
