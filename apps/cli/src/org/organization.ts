import { type Organization, OrganizationSchema } from '@planton/api/identity/v1/organization';
import { formatRole } from '../output/format-role.ts';
import { formatTime } from '../output/format-time.ts';
import type { Printable } from '../output/print-messages.ts';

/** How organisations are printed. */
export const organizations: Printable<Organization> = {
  schema: OrganizationSchema,
  columns: [
    ['SLUG', ({ slug }) => slug],
    ['NAME', ({ name }) => name],
    ['YOUR ROLE', ({ role }) => formatRole(role)],
    ['CREATED', ({ createTime }) => formatTime(createTime)],
  ],
};
