import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { MemberSchema } from '@planton/api/identity/v1/organization';
import type { SeenMember } from './member-store.ts';
import { roleOf, subjectKindOf } from './role.ts';

export function memberMessage(member: SeenMember): MessageInitShape<typeof MemberSchema> {
  const { name, limited, environments } = member;
  return {
    subjectUid: member.subject_uid,
    kind: subjectKindOf(member.kind),
    name,
    role: roleOf(member.role),
    limited,
    environments,
    createTime: timestampFromDate(member.create_time),
  };
}
