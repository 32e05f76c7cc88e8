/** Shorter than this a value is no credential, and would be found in every other word. */
const SHORTEST = 8;
const HIDDEN = '[hidden]';

export type Scrub = (text: string, longest: number) => string;

/**
 * Makes texts of a runner fit to be stored and shown: whoever writes them had the secrets in hand, so each secret is taken out,
 * as it is and as it stands in a URL; a NUL, which no database takes, goes too, and what is too long is cut.
 */
export function createScrub(secrets: Iterable<string>): Scrub {
  const forms = [...secrets]
    .filter((secret) => secret.length >= SHORTEST)
    .flatMap((secret) => [secret, encodeURIComponent(secret.toWellFormed())])
    .sort((a, b) => b.length - a.length);
  return (text, longest) => {
    let clean = text.replaceAll('\0', '');
    for (const form of forms) clean = clean.replaceAll(form, HIDDEN);
    return (clean.length > longest ? `${clean.slice(0, longest - 1)}…` : clean).toWellFormed();
  };
}
