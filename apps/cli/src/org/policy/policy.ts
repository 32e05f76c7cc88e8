import {
  type OrganizationPolicy,
  OrganizationPolicySchema,
} from '@planton/api/connect/v1/organization_policy';
import { formatTime } from '../../output/format-time.ts';
import type { Printable } from '../../output/print-messages.ts';

/** How a policy is printed. */
export const policies: Printable<OrganizationPolicy> = {
  schema: OrganizationPolicySchema,
  columns: [
    ['AUTHORISATION', ({ requireAuthorization }) => (requireAuthorization ? 'required' : 'not required')],
    ['LONGEST SESSION', ({ maxSessionDuration }) => formatSeconds(maxSessionDuration?.seconds)],
    ['REGIONS', ({ allowedRegions }) => allowedRegions.join(', ') || 'all'],
    ['NO INLINE KEYS IN', ({ inlineKeysForbiddenIn }) => inlineKeysForbiddenIn.join(', ') || 'none'],
    ['UPDATED', ({ updateTime }) => formatTime(updateTime) || 'never'],
    ['BY', ({ updatedBy }) => updatedBy],
  ],
};

function formatSeconds(seconds: bigint | undefined): string {
  if (seconds === undefined) return 'as the provider allows';
  return seconds % 3600n === 0n ? `${seconds / 3600n}h` : `${seconds}s`;
}
