/**
 * Fields as bytes that no other fields have: each is its length in four bytes, the highest first, and the bytes themselves; texts are UTF-8.
 *
 * @throws RangeError for a text with half a surrogate pair, which UTF-8 cannot tell from others
 */
export function encodeFields(fields: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = typeof field === 'string' ? encodeText(field) : field;
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** The inverse of `encodeFields`. Throws RangeError where the bytes are not exactly fields. */
export function decodeFields(bytes: Uint8Array): Buffer[] {
  const source = Buffer.from(bytes);
  const fields: Buffer[] = [];
  for (let at = 0; at < source.length; ) {
    if (source.length - at < 4) throw new RangeError('a field has no length');
    const end = at + 4 + source.readUInt32BE(at);
    if (end > source.length) throw new RangeError('a field is longer than what is there');
    fields.push(source.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

function encodeText(text: string): Buffer {
  if (!text.isWellFormed()) throw new RangeError('a text holds half a character');
  return Buffer.from(text);
}
