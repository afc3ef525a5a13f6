import { createSecureContext, getCACertificates, type SecureContext, type SecureVersion } from "node:tls";

/** What a route's TLS differs in from that of others. Certificates and keys are PEM. */
export interface TlsSettings {
  /** Certificates to trust instead of the platform's. */
  readonly ca?: string | undefined;
  /** Names us to an upstream that asks who we are. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string } | undefined;
  /** TLS 1.2 by default. */
  readonly tlsMinVersion?: SecureVersion | undefined;
}

/**
 * Whom a route trusts: the certificates of its own `ca` alone (PEM), else those that Node brings, those of
 * NODE_EXTRA_CA_CERTS, and the platform's store, for which SSL_CERT_FILE and SSL_CERT_DIR may name another place.
 * Made once and shared by connections: the platform's store takes some 50 ms to read. Throws for a `ca` that is no PEM.
 */
export function trust({ ca, clientCertificate, tlsMinVersion = "TLSv1.2" }: TlsSettings = {}): SecureContext {
  const platform = () => [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
  return createSecureContext({ ca: ca ?? platform(), minVersion: tlsMinVersion, ...clientCertificate });
}
