import { createHash } from 'node:crypto';

/** Whoever a session is opened for. */
export interface SessionRequester {
  /** Immutable. */
  readonly uid: string;
  /** Readable, in any script. */
  readonly name: string;
  /** The service that acts in the requester's name; undefined for none. */
  readonly via?: string | undefined;
}

const LONGEST_NAME = 64;
const LONGEST_TAG = 256;
const DIGITS = 8;

/**
 * The name of a session, as CloudTrail shows it at the end of the session's ARN: the requester, readable where AWS has the letters for it,
 * and digits that tell apart those whose names look alike. 2 to 64 letters, digits and `_+=,.@-`.
 */
export function sessionName(requester: SessionRequester): string {
  const digits = digitsOf(requester.uid);
  const readable = toNameCharacters(textOf(requester)).slice(0, LONGEST_NAME - DIGITS - 1);
  return `${readable === '' ? 'requester' : readable}-${digits}`;
}

/**
 * Whom AWS names as the source identity in every event of the session, and of what it goes on to assume: the requester's name as it is where
 * AWS takes it, else as the session is named. 2 to 64 letters, digits and `_+=,.@-`.
 */
export function sourceIdentity(requester: SessionRequester): string {
  const text = textOf(requester);
  return /^[A-Za-z0-9_+=,.@-]{2,64}$/.test(text) ? text : sessionName(requester);
}

/** The requester as the value of a tag. */
export function requesterTag(requester: SessionRequester): string {
  return tagValue(textOf(requester)) || requester.uid;
}

/** A text as the value of a session tag: letters and digits of any script, spaces and `_.:/=+-@`, at most 256 characters. */
export function tagValue(text: string): string {
  const taken = text
    .toWellFormed()
    .normalize('NFC')
    .replaceAll(/[^\p{L}\p{N} _.:/=+\-@]/gu, '_')
    .trim();
  let value = '';
  for (const character of taken) {
    if (value.length + character.length > LONGEST_TAG) break;
    value += character;
  }
  return value.trimEnd();
}

function textOf({ name, via }: SessionRequester): string {
  return via === undefined || via === '' ? name : `${name} via ${via}`;
}

/** What is left of a text in the characters that names have; what separates words stays visible as a hyphen. */
function toNameCharacters(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^A-Za-z0-9_+=,.@-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

function digitsOf(uid: string): string {
  return createHash('sha256').update(uid).digest('hex').slice(0, DIGITS);
}
