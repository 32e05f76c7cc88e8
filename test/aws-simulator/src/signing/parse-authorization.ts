import { incompleteSignature, missingAuthenticationToken } from '../errors/aws-error.ts';
import { parseQuery } from '../requests/parse-query.ts';
import { headerValues, type Pairs, queryOf, type RawRequest } from '../requests/request.ts';
import { ALGORITHM, type Authorization, type Scope } from './authorization.ts';

const LONGEST_EXPIRES = 604_800;

/**
 * Reads the signature of a request from its `Authorization` header or, of a presigned URL, from its query.
 *
 * @throws AwsError `MissingAuthenticationToken` when there is none, `IncompleteSignature` when it is not whole, or is there twice
 */
export function parseAuthorization(request: RawRequest): Authorization {
  const query = parseQuery(queryOf(request));
  const presigned = query.some(([name]) => name === 'X-Amz-Algorithm' || name === 'X-Amz-Signature');
  const header = only(headerValues(request, 'authorization'), 'Authorization header');
  if (presigned) {
    if (header !== undefined) throw incompleteSignature('Only one of header and query can hold a signature.');
    return parsePresigned(query);
  }
  if (header === undefined || header.trim() === '') throw missingAuthenticationToken();
  return parseHeader(request, header.trim());
}

function parseHeader(request: RawRequest, header: string): Authorization {
  if (!header.startsWith(`${ALGORITHM} `)) {
    throw incompleteSignature(`Authorization header requires algorithm '${ALGORITHM}'.`);
  }
  const fields = header
    .slice(ALGORITHM.length)
    .split(',')
    .map((part): readonly [string, string] => {
      const [name = ''] = part.split('=', 1);
      return [name.trim(), part.slice(name.length + 1).trim()];
    });
  const read = (name: string) =>
    demand(pickOne(fields, name), `Authorization header requires '${name}' parameter.`);
  const time = only(headerValues(request, 'x-amz-date'), "'X-Amz-Date' header");
  return {
    ...parseCredential(read('Credential')),
    signedHeaders: parseSignedHeaders(read('SignedHeaders')),
    signature: parseSignature(read('Signature')),
    time: parseTime(demand(time, "Authorization header requires existence of a 'X-Amz-Date' header.")),
    sessionToken: only(headerValues(request, 'x-amz-security-token'), "'X-Amz-Security-Token' header"),
  };
}

function parsePresigned(query: Pairs): Authorization {
  const read = (name: string) =>
    demand(pickOne(query, name), `AWS query-string parameters must include '${name}'.`);
  if (read('X-Amz-Algorithm') !== ALGORITHM) {
    throw incompleteSignature(`AWS query-string parameter 'X-Amz-Algorithm' must be '${ALGORITHM}'.`);
  }
  const expires = read('X-Amz-Expires');
  if (!/^[0-9]{1,6}$/.test(expires) || Number(expires) < 1 || Number(expires) > LONGEST_EXPIRES) {
    throw incompleteSignature(`'X-Amz-Expires' must be a number of seconds from 1 to ${LONGEST_EXPIRES}.`);
  }
  return {
    ...parseCredential(read('X-Amz-Credential')),
    signedHeaders: parseSignedHeaders(read('X-Amz-SignedHeaders')),
    signature: parseSignature(read('X-Amz-Signature')),
    time: parseTime(read('X-Amz-Date')),
    sessionToken: pickOne(query, 'X-Amz-Security-Token'),
    expires: Number(expires),
  };
}

function parseCredential(text: string): { accessKeyId: string; scope: Scope } {
  const [accessKeyId, date, region, service, terminator, ...others] = text.split('/');
  if (!accessKeyId || !date || !region || !service || !terminator || others.length > 0) {
    throw incompleteSignature('Credential must have exactly 5 slash-delimited elements.');
  }
  return { accessKeyId, scope: { date, region, service, terminator } };
}

function parseSignedHeaders(text: string): readonly string[] {
  const names = text.split(';');
  const sorted = names.every((name, index) => index === 0 || (names[index - 1] ?? '') < name);
  if (!names.every((name) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) || !sorted) {
    throw incompleteSignature("'SignedHeaders' must be lower-case header names in order, each once.");
  }
  return names;
}

function parseSignature(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw incompleteSignature("'Signature' must be 64 hexadecimal digits.");
  return text;
}

function parseTime(text: string): string {
  if (!/^[0-9]{8}T[0-9]{6}Z$/.test(text)) {
    throw incompleteSignature("Date must be in ISO-8601 'basic format'.");
  }
  return text;
}

function pickOne(pairs: Pairs, name: string): string | undefined {
  const values = pairs.filter(([each]) => each === name).map(([, value]) => value);
  return only(values, `'${name}'`);
}

function only(values: readonly string[], what: string): string | undefined {
  if (values.length > 1) throw incompleteSignature(`${what} is given more than once.`);
  return values[0];
}

function demand(value: string | undefined, message: string): string {
  if (value === undefined || value === '') throw incompleteSignature(message);
  return value;
}
