/** Shows control characters as escapes, so that text from elsewhere cannot move the cursor or change the terminal. */
export function cleanText(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
