/**
 * Text as the contract takes it: well-formed, without the zero character that databases refuse, and no longer than the limit, which
 * counts code points as the contract does.
 */
export function cleanText(text: string, limit: number): string {
  const clean = text.toWellFormed().replaceAll('\0', '');
  if (clean.length <= limit) return clean;
  // One unit more than the limit can take, so that what is longer shows.
  const characters = Array.from(clean.slice(0, 2 * limit + 1));
  return characters.length <= limit ? clean : `${characters.slice(0, limit - 1).join('')}…`;
}
