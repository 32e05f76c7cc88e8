const MAX_LENGTH = 80;
const SHELL_SAFE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}"\\]/gu;

/** In double quotes for a sentence: shortened, and with nothing in it that could move a terminal's cursor. */
export function quoteText(text: string): string {
  // A character is at most two code units, so this prefix shows whether there are too many without reading all of them.
  const characters = Array.from(text.slice(0, (MAX_LENGTH + 1) * 2));
  const shown = characters.length > MAX_LENGTH ? `${characters.slice(0, MAX_LENGTH).join('')}…` : text;
  return `"${escapeUnsafe(shown)}"`;
}

/**
 * For a command line that people paste into a shell: as it is when that is safe, otherwise the placeholder, so that no name
 * can smuggle an option or a second command into a hint.
 */
export function commandWord(text: string, placeholder: string): string {
  return SHELL_SAFE.test(text) ? text : placeholder;
}

function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
