import type { AwsFailure } from './failure.ts';

const LONGEST_READ = 4_000;
const LONGEST = 500;
/** Short enough to be found in ordinary words by chance. */
const SHORTEST_SECRET = 6;

const NOT_AN_ANSWER_OF_AWS = /^(Unknown|Error|SyntaxError|TypeError)$/;

/** What was seen, in one line of about 500 characters: ARNs stay, access key ids and whatever could be a secret or token are masked. */
export function describeObservation(failure: AwsFailure, secrets: readonly string[]): string {
  const { httpStatus, networkCode = '', message = '' } = failure;
  const name = isErrorName(failure.name) ? failure.name : 'Error';
  if (httpStatus !== undefined && NOT_AN_ANSWER_OF_AWS.test(name)) {
    return `HTTP ${httpStatus} without an answer that AWS gives`;
  }
  const code = /^[A-Z][A-Z0-9_]{1,60}$/.test(networkCode) ? networkCode : name;
  const who = httpStatus === undefined ? code : `AWS answered ${name} (HTTP ${httpStatus})`;
  const said = message === failure.name ? '' : maskSecrets(message, secrets);
  return said === '' ? who : `${who}: ${said}`;
}

/** Words in camel case; no access key id, and too short for a token. */
function isErrorName(name: string): boolean {
  return /^[A-Z][A-Za-z0-9]{1,63}$/.test(name) && !/[A-Z0-9]{6}/.test(name);
}

/**
 * A line of text that holds no credentials.
 *
 * @param secrets values that must not be in it; beside them everything shaped like a credential is masked
 */
export function maskSecrets(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  const cut = text.length > LONGEST_READ;
  // A value that the cut went through would no longer be recognised, so the last word goes with it.
  let line = cut ? text.slice(0, LONGEST_READ).replace(/\S+$/, '') : text;
  for (const secret of known) line = line.replaceAll(secret, '***');
  line = line
    .toWellFormed()
    .replace(/\p{Cf}/gu, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cn}\p{Co}\s]+/gu, ' ')
    .trim();
  for (const secret of known) line = line.replaceAll(secret, '***');
  line = line
    // A signature's refusal may quote the request, and the failure of a credential process its command line.
    .replace(/(The Canonical String for this request|The String-to-Sign|Command failed).*$/, '$1 …')
    .replace(/:\/\/[^\s/@]*@/g, '://***@')
    .replace(/(A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}/g, '$1***')
    .replace(/arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d{0,12}:[\w+=,.@:/*-]+|[\w+/=%-]{30,}/g, maskOpaque);
  const characters = Array.from(line);
  return cut || characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join('')}…` : line;
}

/** Names and hosts are in lower case; what is long and mixed, or all hexadecimal, is a key, a token or a signature. */
function maskOpaque(run: string): string {
  if (run.startsWith('arn:')) return run;
  const mixed = /[a-z]/.test(run) && /[A-Z]/.test(run);
  return mixed || /^[0-9a-fA-F]{40,}$/.test(run) ? '***' : run;
}
