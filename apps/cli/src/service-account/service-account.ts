import { type ServiceAccount, ServiceAccountSchema } from '@planton/api/identity/v1/organization';
import { formatCover } from '../member/member.ts';
import { formatRole } from '../output/format-role.ts';
import { formatTime } from '../output/format-time.ts';
import type { Printable } from '../output/print-messages.ts';

/** How service accounts are printed. */
export const serviceAccounts: Printable<ServiceAccount> = {
  schema: ServiceAccountSchema,
  columns: [
    ['SLUG', ({ slug }) => slug],
    ['ROLE', ({ role }) => formatRole(role)],
    ['ENVIRONMENTS', ({ limited, environments }) => formatCover(limited, environments)],
    ['CREATED', ({ createTime }) => formatTime(createTime)],
    ['UID', ({ uid }) => uid],
  ],
};
