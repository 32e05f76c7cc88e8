import { timingSafeEqual } from 'node:crypto';
import { partitionOf } from '@planton/aws';
import {
  expiredToken,
  incompleteSignature,
  invalidClientTokenId,
  requestExpired,
  signatureDoesNotMatch,
} from '../errors/aws-error.ts';
import type { Caller, Credential, FindCredential } from '../identities/identity.ts';
import type { RawRequest } from '../requests/request.ts';
import type { Authorization, Scope } from './authorization.ts';
import { calculateSignature } from './calculate-signature.ts';
import { canonicalizeRequest } from './canonicalize-request.ts';

const SKEW_MINUTES = 5;
/** STS lets no presigned request live longer, whatever its `X-Amz-Expires` says. */
const PRESIGNED_SECONDS = 900;

/**
 * Believes a request only when its signature was made with a key that is known and active, for a service that is served,
 * over this very request, and not long ago.
 *
 * @throws AwsError `InvalidClientTokenId`, `ExpiredToken`, `SignatureDoesNotMatch`, `RequestExpired` or `IncompleteSignature`
 */
export function verifyRequest(
  request: RawRequest,
  authorization: Authorization,
  findCredential: FindCredential,
  services: readonly string[],
  now: Date,
): Caller {
  checkScope(authorization, services);
  const credential = findCredential(authorization.accessKeyId);
  if (credential === undefined || !isUsable(credential, authorization)) throw invalidClientTokenId();
  if (credential.expireTime !== undefined && credential.expireTime <= now) throw expiredToken();
  checkSignedHeaders(authorization);
  checkTime(authorization, now);
  const { scope, time, signedHeaders, signature } = authorization;
  const canonical = canonicalizeRequest(request, signedHeaders);
  const expected = calculateSignature(credential.secretAccessKey, scope, time, canonical);
  if (!isSame(expected, signature)) throw signatureDoesNotMatch();
  return credential.caller;
}

function checkScope({ scope, time }: Authorization, services: readonly string[]): void {
  const faults: string[] = [];
  if (scope.date !== time.slice(0, 8)) {
    faults.push('Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.');
  }
  if (partitionOf(scope.region) === undefined) {
    faults.push('Credential should be scoped to a valid region.');
  }
  if (!services.includes(scope.service)) {
    faults.push(`Credential should be scoped to correct service: '${services.join("' or '")}'.`);
  }
  if (scope.terminator !== 'aws4_request') {
    faults.push("Credential should be scoped with a valid terminator: 'aws4_request'.");
  }
  if (faults.length > 0) throw signatureDoesNotMatch(faults.join(' '));
}

/** Keys of one partition do not exist in another, and only a temporary key has a session token. */
function isUsable({ active, caller, sessionToken }: Credential, authorization: Authorization): boolean {
  return (
    active &&
    partitionOfScope(authorization.scope) === caller.partition &&
    (sessionToken === undefined
      ? authorization.sessionToken === undefined
      : authorization.sessionToken !== undefined && isSame(sessionToken, authorization.sessionToken))
  );
}

function partitionOfScope({ region }: Scope): string | undefined {
  return partitionOf(region)?.id;
}

function checkSignedHeaders({ signedHeaders, sessionToken, expires }: Authorization): void {
  const inHeader = expires === undefined;
  const needed = [
    'host',
    ...(inHeader ? ['x-amz-date'] : []),
    ...(inHeader && sessionToken !== undefined ? ['x-amz-security-token'] : []),
  ];
  for (const name of needed) {
    if (!signedHeaders.includes(name)) {
      throw signatureDoesNotMatch(`'${name}' must be a 'SignedHeader' in the AWS Authorization.`);
    }
  }
}

function checkTime({ time, expires }: Authorization, now: Date): void {
  const signed = Date.parse(
    time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, (_, ...part) => {
      const [year, month, day, hour, minute, second] = part;
      return `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
    }),
  );
  if (Number.isNaN(signed)) throw incompleteSignature("Date must be in ISO-8601 'basic format'.");
  const late = now.getTime() - signed;
  const skew = SKEW_MINUTES * 60_000;
  const at = formatBasic(now);
  if (late < -skew) {
    const limit = formatBasic(new Date(now.getTime() + skew));
    throw signatureDoesNotMatch(
      `Signature not yet current: ${time} is still later than ${limit} (${at} + ${SKEW_MINUTES} min.)`,
    );
  }
  if (expires !== undefined) {
    if (late > Math.min(expires, PRESIGNED_SECONDS) * 1000) throw requestExpired();
  } else if (late > skew) {
    const limit = formatBasic(new Date(now.getTime() - skew));
    throw signatureDoesNotMatch(
      `Signature expired: ${time} is now earlier than ${limit} (${at} - ${SKEW_MINUTES} min.)`,
    );
  }
}

function formatBasic(time: Date): string {
  return time.toISOString().replace(/[-:]|\.[0-9]{3}/g, '');
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
