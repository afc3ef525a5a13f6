import fc from "fast-check";

/** Mostly valid ones, so that sequences get far; `maxBytes` is the largest accepted message. */
export const anyFrame = (maxBytes: number, largeBytes: number) =>
  fc.record({
    opcode: fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(0, 0, 0, 1, 1, 9, 10) },
      { weight: 2, arbitrary: fc.constantFrom(2, 8, 8) },
      { weight: 1, arbitrary: fc.nat(15) },
    ),
    fin: fc.oneof({ weight: 3, arbitrary: fc.boolean() }, fc.constant(true)),
    rsv: fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, fc.nat(7)),
    masked: fc.oneof({ weight: 40, arbitrary: fc.constant(true) }, fc.boolean()),
    mask: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)),
    /** In hexadecimal. */
    payload: fc.oneof(
      {
        weight: 10,
        arbitrary: fc.string({ unit: "grapheme", maxLength: 40 }).map((text) => Buffer.from(text).toString("hex")),
      },
      // Characters split between fragments.
      { weight: 4, arbitrary: fc.constantFrom("f09f", "9880", "e2", "82ac", "") },
      // Valid and invalid close frames.
      { weight: 3, arbitrary: fc.constantFrom("03e8", "03e8", "03e9676f", "0fa0", "03ed", "03") },
      { weight: 2, arbitrary: fc.uint8Array({ maxLength: 140 }).map((bytes) => Buffer.from(bytes).toString("hex")) },
    ),
    /** Bytes of text after it. */
    filler: fc.oneof(
      { weight: 20, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.constantFrom(126, 65_535, 66_000) },
      { weight: 1, arbitrary: fc.constant(largeBytes) },
    ),
    announced: fc.oneof(
      { weight: 40, arbitrary: fc.constant(undefined) },
      fc.constantFrom(0, 125, 126, maxBytes, maxBytes + 1, 2 ** 31, 2 ** 52, 2 ** 60),
    ),
  });

/** A valid message in fragments, split anywhere, with a ping between two of them; sometimes one of `largeBytes`. */
export const rightMessage = (largeBytes: number) =>
  fc
    .record({
      text: fc.string({ unit: "grapheme", maxLength: 60 }),
      filler: fc.oneof({ weight: 20, arbitrary: fc.nat(300) }, fc.constant(largeBytes)),
      cuts: fc.array(fc.nat(60), { maxLength: 3 }),
      mask: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)),
      ping: fc.boolean(),
    })
    .map(({ text, filler, cuts, mask, ping }) => {
      const hex = Buffer.from(text).toString("hex");
      const ends = [...cuts.map((at) => at * 2).sort((one, other) => one - other), hex.length];
      const right = { rsv: 0, masked: true, mask, announced: undefined };
      const fragments = ends.map((end, index) => {
        const isLast = index === ends.length - 1;
        const payload = hex.slice(ends[index - 1] ?? 0, isLast ? undefined : end);
        return { ...right, opcode: index === 0 ? 1 : 0, fin: isLast, payload, filler: isLast ? filler : 0 };
      });
      return ping ? fragments.toSpliced(1, 0, { ...right, opcode: 9, fin: true, payload: "00", filler: 0 }) : fragments;
    });

/** A valid close. */
export const goodbye = fc.constant([
  {
    opcode: 8,
    fin: true,
    rsv: 0,
    masked: true,
    mask: [1, 2, 3, 4] as [number, number, number, number],
    payload: "03e8",
    filler: 0,
    announced: undefined,
  },
]);
