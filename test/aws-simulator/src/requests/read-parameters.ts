import { malformedQueryString } from '../errors/aws-error.ts';
import { parseQuery } from './parse-query.ts';
import { headerValues, queryOf, type RawRequest } from './request.ts';

const FORM = 'application/x-www-form-urlencoded';

/**
 * The parameters of a call: those of the query and, in a POST of a form, those of its body.
 *
 * @throws AwsError `MalformedQueryString` when one is given twice, as nobody could tell which was meant
 */
export function readParameters(request: RawRequest): ReadonlyMap<string, string> {
  const pairs = [...parseQuery(queryOf(request)), ...readForm(request)];
  const parameters = new Map(pairs.map(([name, value]) => [utf8(name), utf8(value)]));
  if (parameters.size < pairs.length) throw malformedQueryString();
  return parameters;
}

function readForm(request: RawRequest) {
  if (request.method !== 'POST') return [];
  const [contentType = '', ...others] = headerValues(request, 'content-type');
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== FORM || others.length > 0) return [];
  return parseQuery(request.body.toString('latin1'));
}

function utf8(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}
