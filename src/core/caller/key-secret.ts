/**
 * The format of a gateway key's secret: `sluice_`, 256 random bits in base 62 (43 characters), and the CRC-32 of those
 * characters in base 62 (6 characters). A double click selects all of it, scanners find leaked keys by the prefix, and the
 * checksum distinguishes a typo from a wrong key without looking up any key.
 */
export const SECRET_PREFIX = "sluice_";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE = BigInt(ALPHABET.length);
/** The fewest base-62 digits for 256 and for 32 bits. */
const RANDOM_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
const FORM = new RegExp(`^${SECRET_PREFIX}([0-9A-Za-z]{${RANDOM_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`);

/** Formats 32 random bytes as a secret. */
export function writeSecret(random: Uint8Array): string {
  const body = inBase62(
    random.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n),
    RANDOM_LENGTH,
  );
  return `${SECRET_PREFIX}${body}${checksumOf(body)}`;
}

/** Whether a text has the prefix of a gateway key's secret. */
export const isSecret = (text: string): boolean => text.startsWith(SECRET_PREFIX);

/** Whether a secret's form and checksum are intact, that is, it was not mistyped or truncated. */
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

/** CRC-32 (ISO 3309, as in zlib), bit by bit: it runs once per handshake, over 43 characters. */
function crc32(ascii: string): number {
  let crc = 0xffffffff;
  for (let at = 0; at < ascii.length; at++) {
    crc ^= ascii.charCodeAt(at);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
