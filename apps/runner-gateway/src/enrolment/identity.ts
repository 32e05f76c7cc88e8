import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { RunnerCertificateSchema } from '@planton/api/runner/v1/runner';
import { type DomainError, denied, type RequestOrigin } from '@planton/rpc';
import type { AuditEntry, AuditOrigin } from '../audit/audit-store.ts';
import type { InstanceCertificate } from '../certificates/authority.ts';
import type { Deps } from '../deps.ts';
import type { InstanceRow } from '../runners/instance.ts';
import { commonNameOf } from '../runners/runner.ts';

/** An instance with what it needs to know of its runner. */
export interface Identity extends InstanceRow {
  readonly organization_slug: string;
  /** Of the runner. */
  readonly slug: string;
  readonly runner_revoke_time: Date | null;
}

/** Why an instance is refused whatever certificate it shows; undefined for one that is not. */
export function refusalOf({
  revoke_time,
  runner_revoke_time,
  lock_time,
}: Identity): 'revoked' | 'locked' | undefined {
  if (revoke_time || runner_revoke_time) return 'revoked';
  return lock_time ? 'locked' : undefined;
}

/** The error for a caller whose certificate was verified: it may know what became of it. */
export function instanceRefused(why: 'unknown' | 'revoked' | 'locked'): DomainError {
  const message = {
    unknown: 'this instance is not known any more: its runner was deleted, or it was gone for too long',
    revoked: 'this instance was revoked',
    locked:
      'a certificate that had been replaced was used: the key may be in two places, and the instance is locked',
  }[why];
  return denied(`RUNNER_INSTANCE_${why.toUpperCase()}`, message, {
    hint: 'planton runner token create RUNNER, and enrol anew with it',
  });
}

/** Signs the certificate of a generation of an instance. */
export function certify(
  { authority, now }: Pick<Deps, 'authority' | 'now'>,
  instance: Pick<Identity, 'uid' | 'public_key' | 'organization_slug' | 'slug'>,
  generation: number,
): Promise<InstanceCertificate> {
  return authority.issueInstanceCertificate({
    publicKey: instance.public_key,
    instanceUid: instance.uid,
    generation,
    commonName: commonNameOf(instance),
    now: now(),
  });
}

export function certificateMessage(
  { authority }: Pick<Deps, 'authority'>,
  issued: InstanceCertificate,
  generation: number,
): MessageInitShape<typeof RunnerCertificateSchema> {
  return {
    certificate: issued.certificate,
    caBundle: authority.caBundle,
    generation,
    expireTime: timestampFromDate(issued.expireTime),
    renewAfterTime: timestampFromDate(issued.renewAfterTime),
  };
}

/** Who acts, for the record, where an instance does. */
export function originOfInstance(
  { uid, name, organization_uid }: Pick<Identity, 'uid' | 'name' | 'organization_uid'>,
  origin: RequestOrigin,
): AuditOrigin {
  return { organizationUid: organization_uid, caller: { subject: { uid, name }, ...origin } };
}

/** Something that happened to an instance, for the record. */
export function instanceEntry(
  action: 'enrol' | 'recover' | 'renew' | 'lock',
  { uid, slug, name }: Pick<Identity, 'uid' | 'slug' | 'name'>,
  generation: number,
  details: Readonly<Record<string, string>> = {},
): AuditEntry {
  return {
    action: `runner_instance.${action}`,
    resource: { kind: 'runner_instance', uid, slug },
    version: generation,
    details: { instance_name: name, ...details },
  };
}
