import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { OrganizationSchema } from '@planton/api/identity/v1/organization';
import { roleOf } from '../members/role.ts';
import type { SeenOrganization } from './organization-store.ts';

export function organizationMessage(
  organization: SeenOrganization,
): MessageInitShape<typeof OrganizationSchema> {
  const { uid, slug, name } = organization;
  return {
    uid,
    slug,
    name,
    createTime: timestampFromDate(organization.create_time),
    role: roleOf(organization.role),
  };
}
