import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { RunnerTokenSchema } from '@planton/api/runner/v1/runner';
import { type DomainError, missing, unauthenticated } from '@planton/rpc';
import type { Selectable } from 'kysely';
import type { EnrolmentTokenTable } from '../schema.ts';

export type TokenRow = Omit<Selectable<EnrolmentTokenTable>, 'hash'>;

/** What every token begins with, so that scanners for leaked secrets can tell one. */
const TOKEN_MARK = 'plrt_';
const TOKEN_BYTES = 32;

/** The mark, 32 bytes in base64url. */
const TOKEN_PATTERN = /^plrt_[A-Za-z0-9_-]{43}$/;

/** A new token of 256 random bits. */
export function mintToken(randomBytes: (size: number) => Buffer): string {
  return TOKEN_MARK + randomBytes(TOKEN_BYTES).toString('base64url');
}

export function isToken(text: string): boolean {
  return TOKEN_PATTERN.test(text);
}

/**
 * The hash that a token is looked up by. Looking it up in an index leaks nothing through time: a guess controls its hash no better than
 * the token itself.
 */
export function hashToken(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** One refusal for whatever is wrong with a token, so that a guess learns nothing. */
export function tokenInvalid(): DomainError {
  return unauthenticated(
    'ENROLMENT_TOKEN_INVALID',
    'the runner token is not valid: it is unknown, expired, used up or revoked',
    { hint: 'planton runner token create RUNNER' },
  );
}

export function tokenNotFound(organization: string, uid: string): DomainError {
  return missing(
    'RUNNER_TOKEN_NOT_FOUND',
    `organisation "${organization}" has no runner token ${JSON.stringify(uid)}`,
    { hint: 'planton runner list', metadata: { token_uid: uid } },
  );
}

/** @param runner slug of the token's runner */
export function tokenMessage(row: TokenRow, runner: string): MessageInitShape<typeof RunnerTokenSchema> {
  return {
    uid: row.uid,
    runner,
    useLimit: row.use_limit,
    useCount: row.use_count,
    expireTime: timestampFromDate(row.expire_time),
    createTime: timestampFromDate(row.create_time),
    createdBy: row.created_by,
    ...(row.revoke_time && { revokeTime: timestampFromDate(row.revoke_time) }),
    ...(row.last_use_time && { lastUseTime: timestampFromDate(row.last_use_time) }),
  };
}
