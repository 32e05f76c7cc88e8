/** Letters that are not taken for others, and make no words. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
const LENGTH = 8;

/** A code for people to type: 20^8, some 34 bits, which live ten minutes and are guessed a few times an hour. */
export function mintUserCode(randomBytes: (size: number) => Buffer): string {
  let code = '';
  while (code.length < LENGTH) {
    for (const byte of randomBytes(LENGTH * 2)) {
      // Bytes from 240 would make some letters likelier than others.
      if (byte < 240 && code.length < LENGTH) code += LETTERS[byte % LETTERS.length];
    }
  }
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** The code that somebody typed, however it was written; undefined for what is none. */
export function readUserCode(text: string): string | undefined {
  const letters = text.toUpperCase().replace(/[\s-]/g, '');
  return letters.length === LENGTH && [...letters].every((letter) => LETTERS.includes(letter))
    ? `${letters.slice(0, 4)}-${letters.slice(4)}`
    : undefined;
}
