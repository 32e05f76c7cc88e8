import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceAccountSchema } from '@planton/api/identity/v1/organization';
import { type DomainError, missing } from '@planton/rpc';
import type { SeenMember } from '../members/member-store.ts';
import { roleOf } from '../members/role.ts';

/** @param org slug of the organisation */
export function serviceAccountMessage(
  member: SeenMember,
  org: string,
): MessageInitShape<typeof ServiceAccountSchema> {
  return {
    uid: member.subject_uid,
    slug: member.name,
    org,
    role: roleOf(member.role),
    limited: member.limited,
    environments: member.environments,
    createTime: timestampFromDate(member.create_time),
  };
}

export function serviceAccountMissing(slug: string, org: string): DomainError {
  return missing(
    'SERVICE_ACCOUNT_NOT_FOUND',
    `service account "${slug}" does not exist in organisation "${org}"`,
    { hint: 'planton service-account list', metadata: { slug } },
  );
}
