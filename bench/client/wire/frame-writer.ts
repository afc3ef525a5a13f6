const FIN = 0x80;
const MASKED = 0x80;

/** A client's frame. Clients must mask (RFC 6455, 5.3); a mask of zeros leaves the payload unchanged. */
export function clientFrame(opcode: number, payload: string | Buffer): Buffer {
  const body = typeof payload === "string" ? Buffer.from(payload, "utf8") : payload;
  const long = body.length > 0xffff;
  const medium = body.length > 125;
  const head = Buffer.alloc(long ? 14 : medium ? 8 : 6);
  head[0] = FIN | opcode;
  if (long) {
    head[1] = MASKED | 127;
    head.writeBigUInt64BE(BigInt(body.length), 2);
  } else if (medium) {
    head[1] = MASKED | 126;
    head.writeUInt16BE(body.length, 2);
  } else {
    head[1] = MASKED | body.length;
  }
  return Buffer.concat([head, body]);
}
