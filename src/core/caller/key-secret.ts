/**
 * The form of a gateway key's secret: `sluice_`, 256 random bits in base 62 (43 characters), and their CRC-32 in base 62
 * (6 characters). Letters and digits alone are selected by one double click, the prefix lets scanners find leaked keys,
 * and the checksum tells a typo from a wrong key without a look at any key.
 */
export const SECRET_PREFIX = "sluice_";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE = BigInt(ALPHABET.length);
/** 62 to the 43rd is the first power above 2 to the 256th, and to the 6th above 2 to the 32nd. */
const RANDOM_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
const FORM = new RegExp(`^${SECRET_PREFIX}([0-9A-Za-z]{${RANDOM_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`);

/** Writes 32 random bytes as a secret. */
export function writeSecret(random: Uint8Array): string {
  const body = inBase62(
    random.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n),
    RANDOM_LENGTH,
  );
  return `${SECRET_PREFIX}${body}${checksumOf(body)}`;
}

/** Whether a text is meant as a gateway key's secret. */
export const isSecret = (text: string): boolean => text.startsWith(SECRET_PREFIX);

/** Whether a secret is as it was printed. What fails this was mistyped or cut. */
export function isWhole(secret: string): boolean {
  const [, body, checksum] = FORM.exec(secret) ?? [];
  return body !== undefined && checksumOf(body) === checksum;
}

const checksumOf = (body: string): string => inBase62(BigInt(crc32(body)), CHECKSUM_LENGTH);

function inBase62(value: bigint, length: number): string {
  let digits = "";
  for (let rest = value; digits.length < length; rest /= BASE) digits = ALPHABET.charAt(Number(rest % BASE)) + digits;
  return digits;
}

/** CRC-32 as in ISO 3309 and zlib, bit by bit: it runs once for each handshake, over 43 characters. */
function crc32(ascii: string): number {
  let crc = 0xffffffff;
  for (let at = 0; at < ascii.length; at++) {
    crc ^= ascii.charCodeAt(at);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
