/** The token of an `Authorization: Bearer` header (RFC 6750, 2.1); undefined for any other value. */
export const bearerToken = (authorization: string | undefined): string | undefined =>
  /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
