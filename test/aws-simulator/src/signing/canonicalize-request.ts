import { createHash } from 'node:crypto';
import { signatureDoesNotMatch } from '../errors/aws-error.ts';
import { parseQuery } from '../requests/parse-query.ts';
import { headerValues, pathOf, queryOf, type RawRequest } from '../requests/request.ts';

/**
 * The canonical request of Signature Version 4, one character per byte. Dot segments stay: only the path `/` is served.
 *
 * @throws AwsError `SignatureDoesNotMatch` when a signed header is not in the request
 */
export function canonicalizeRequest(request: RawRequest, signedHeaders: readonly string[]): string {
  return [
    request.method,
    encode(pathOf(request), /[^A-Za-z0-9_.~/-]/g),
    canonicalizeQuery(queryOf(request)),
    ...signedHeaders.map((name) => `${name}:${canonicalizeHeader(request, name)}`),
    '',
    signedHeaders.join(';'),
    createHash('sha256').update(request.body).digest('hex'),
  ].join('\n');
}

function canonicalizeQuery(query: string): string {
  return parseQuery(query)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]): readonly [string, string] => [encode(name), encode(value)])
    .sort(([oneName, oneValue], [otherName, otherValue]) =>
      oneName === otherName ? compare(oneValue, otherValue) : compare(oneName, otherName),
    )
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function canonicalizeHeader(request: RawRequest, name: string): string {
  const values = headerValues(request, name);
  if (values.length === 0) throw signatureDoesNotMatch();
  return values.map((value) => value.trim().replace(/ {2,}/g, ' ')).join(',');
}

function encode(text: string, reserved = /[^A-Za-z0-9_.~-]/g): string {
  return text.replace(
    reserved,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
