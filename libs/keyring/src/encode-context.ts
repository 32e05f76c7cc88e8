/**
 * The additional data of a ciphertext: what it is and where it belongs, each part with its length before it (4 bytes, big endian), so
 * that no two different lists give the same bytes.
 *
 * @throws TypeError for text with lone surrogates: UTF-8 would make different texts equal
 */
export function encodeContext(parts: readonly string[]): Buffer {
  const chunks = parts.flatMap((part) => {
    if (!part.isWellFormed()) throw new TypeError('an identifier is not well-formed Unicode');
    const bytes = Buffer.from(part, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(chunks);
}
