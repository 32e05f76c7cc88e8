import type { Client } from '@connectrpc/connect';
import type { Identity } from '@planton/api/identity/v1/identity_service';
import { type Member, MemberSchema, SubjectKind } from '@planton/api/identity/v1/organization';
import { notFound, usage } from '../errors/cli-error.ts';
import { formatEnum } from '../output/format-enum.ts';
import { formatRole } from '../output/format-role.ts';
import { formatTime } from '../output/format-time.ts';
import type { Printable } from '../output/print-messages.ts';

/** How members are printed. */
export const members: Printable<Member> = {
  schema: MemberSchema,
  columns: [
    ['NAME', ({ name }) => name],
    ['KIND', ({ kind }) => formatEnum(SubjectKind, kind)],
    ['ROLE', ({ role }) => formatRole(role)],
    ['ENVIRONMENTS', ({ limited, environments }) => formatCover(limited, environments)],
    ['SINCE', ({ createTime }) => formatTime(createTime)],
    ['UID', ({ subjectUid }) => subjectUid],
  ],
};

/** What a role covers: everything, what is listed, or nothing any more. */
export function formatCover(limited: boolean, environments: readonly string[]): string {
  if (!limited) return 'all';
  return environments.length === 0 ? 'none' : environments.join(', ');
}

/**
 * The member that a uid or name stands for.
 *
 * @throws CliError when there is none, or when several have the name
 */
export async function findMember(
  identity: Client<typeof Identity>,
  org: string,
  nameOrUid: string,
): Promise<Member> {
  const { members: all } = await identity.listMembers({ org });
  const exact = all.find(({ subjectUid }) => subjectUid === nameOrUid);
  const named = all.filter(({ name }) => name === nameOrUid);
  const [only] = exact ? [exact] : named;
  if (!only) {
    throw notFound(`${org} has no member "${nameOrUid}"`, 'planton member list');
  }
  if (!exact && named.length > 1) {
    throw usage(
      `${named.length} members of ${org} are called "${nameOrUid}"`,
      'name one by its uid, which planton member list shows',
    );
  }
  return only;
}
