import { malformedQueryString } from '../errors/aws-error.ts';
import type { Pairs } from './request.ts';

const MOST_PAIRS = 500;

/**
 * Takes a query string or a form apart and decodes it, one character per byte. A plus is a space, as AWS reads it: were it
 * read differently for the signature than for the parameters, one could be put for the other after signing.
 *
 * @throws AwsError `MalformedQueryString` on a broken percent escape or on more than 500 pairs
 */
export function parseQuery(text: string): Pairs {
  const parts = text.split('&', MOST_PAIRS + 1).filter((part) => part !== '');
  if (parts.length > MOST_PAIRS) throw malformedQueryString();
  return parts.map((part) => {
    const [name = ''] = part.split('=', 1);
    return [decode(name), decode(part.slice(name.length + 1))];
  });
}

function decode(text: string): string {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) throw malformedQueryString();
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
