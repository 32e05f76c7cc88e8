/** The one client: the command line, which has no secret and proves itself by PKCE. */
export const CLIENT_ID = 'planton-cli';

/** RFC 8252, section 7.3: the address of loopback itself, any port, this path and nothing after it. */
const REDIRECT = /^http:\/\/(?:127\.0\.0\.1|\[::1\]):([1-9]\d{3,4})\/callback$/;

/** Whether a code may be sent there; compared as text, so that nothing is read into it. */
export function isRedirectUri(text: string): boolean {
  const port = Number(REDIRECT.exec(text)?.[1] ?? 0);
  return port >= 1024 && port <= 65_535;
}

/** What a program calls itself, for people to recognise: a short line. */
export function labelOf(text: string | undefined): string {
  const line = (text ?? '')
    .normalize('NFC')
    .replace(/[^\p{L}\p{N} ._'()-]/gu, '')
    .replace(/\s+/g, ' ')
    .trim();
  return [...line].slice(0, 64).join('') || 'planton';
}
