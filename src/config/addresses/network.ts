import { isIP } from "node:net";
import * as z from "zod";

/** Whether a text is an IP address or a network in CIDR form, such as `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 6 ? 128 : 32));
}

/** An IP address, or a network in CIDR form. */
export const network = z.string().refine(isNetwork, {
  params: { expected: "an address such as 10.0.0.5, or a network such as 10.0.0.0/8" },
});
