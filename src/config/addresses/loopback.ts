/** Whether a host name or address, with or without brackets, always means this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name === "::1" || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(name);
}

/** Whether listening on the host means listening on all interfaces. */
export const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::" || host === "[::]";
