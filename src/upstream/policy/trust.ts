import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";

/**
 * Whom a route trusts: the certificates of its own `ca` alone (PEM), else those that Node brings, those of
 * NODE_EXTRA_CA_CERTS, and the platform's store, for which SSL_CERT_FILE and SSL_CERT_DIR may name another place.
 * Made once and shared by connections: the platform's store takes some 50 ms to read. Throws for a `ca` that is no PEM.
 */
export function trust(ca?: string): SecureContext {
  const platform = () => [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
  return createSecureContext({ ca: ca ?? platform(), minVersion: "TLSv1.2" });
}
