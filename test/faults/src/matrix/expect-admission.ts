import type { DescMethod } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { PermissionSchema } from '@planton/api/common/v1/access';
import { accessRuleOf, type RoleName, roleHolds } from '@planton/rpc';
import type { Outcome } from './call-rpc.ts';

/** Somebody who calls, and what the server should make of it. */
export interface MatrixCaller {
  readonly title: string;
  readonly authorization: string | undefined;
  /** Why nobody knows who this is; undefined for callers with an identity. */
  readonly refused?: 'NO_TOKEN' | 'API_KEY_INVALID' | 'TOKEN_INVALID' | 'TOKEN_EXPIRED' | 'TOKEN_REVOKED';
  /** The only organisation that the caller is a member of, with the role there. */
  readonly membership?: { readonly org: string; readonly role: RoleName };
  readonly instanceOwner?: boolean;
}

/** What the contract and the table of roles make of a call: let in, or refused in exactly one way. */
export type Admission = 'admitted' | { readonly code: Code; readonly reason: string };

/** Reasons that the server has before it looks at what a message says. */
const ADMISSION_REASONS: ReadonlySet<string> = new Set([
  'NO_TOKEN',
  'API_KEY_INVALID',
  'TOKEN_INVALID',
  'TOKEN_EXPIRED',
  'TOKEN_REVOKED',
  'ACTOR_NOT_ALLOWED',
  'ACTOR_MISSING',
  'SERVICE_ONLY',
  'INSTANCE_OWNER_ONLY',
  'ORGANIZATION_NOT_FOUND',
  'RUNNER_CERTIFICATE_REQUIRED',
]);

/** Decides a call from the contract's `access` option and the table of roles, by themselves. */
export function expectAdmission(method: DescMethod, caller: MatrixCaller, org: string): Admission {
  const { rule } = accessRuleOf(method);
  if (rule.case === 'anonymous') return 'admitted';
  if (caller.refused) return { code: Code.Unauthenticated, reason: caller.refused };
  switch (rule.case) {
    case 'authenticated':
      return 'admitted';
    case 'instanceOwner':
      return caller.instanceOwner
        ? 'admitted'
        : { code: Code.PermissionDenied, reason: 'INSTANCE_OWNER_ONLY' };
    case 'service':
      return { code: Code.PermissionDenied, reason: 'SERVICE_ONLY' };
    case 'permission': {
      if (caller.membership?.org !== org) return { code: Code.NotFound, reason: 'ORGANIZATION_NOT_FOUND' };
      return roleHolds(caller.membership.role, rule.value)
        ? 'admitted'
        : { code: Code.PermissionDenied, reason: 'PERMISSION_DENIED' };
    }
    default:
      throw new Error(`${method.name} has an access rule that the matrix does not know: ${rule.case}`);
  }
}

/** What is wrong with how a call ended; undefined where nothing is. */
export function findFault(
  method: DescMethod,
  caller: MatrixCaller,
  org: string,
  outcome: Outcome,
): string | undefined {
  const expected = expectAdmission(method, caller, org);
  const was = `${outcome.code === undefined ? 'an answer' : Code[outcome.code]} ${outcome.reason} ${outcome.message}`;
  if (expected === 'admitted') {
    const brokeDown = [Code.Internal, Code.Unknown, Code.Unimplemented, Code.DataLoss].includes(
      outcome.code as Code,
    );
    return isRefusedAtTheDoor(method, outcome) || brokeDown ? `should be let in, was ${was}` : undefined;
  }
  if (outcome.code !== expected.code || outcome.reason !== expected.reason)
    return `should be ${Code[expected.code]} ${expected.reason}, was ${was}`;
  return expected.reason !== 'PERMISSION_DENIED' || outcome.metadata.permission === permissionOf(method)
    ? undefined
    : `should name ${permissionOf(method)}, was ${was}`;
}

/** Whether a call was refused for who calls, before what it says was looked at. */
function isRefusedAtTheDoor(method: DescMethod, { reason, metadata }: Outcome): boolean {
  // A key that an anonymous RPC is given in its message is not what it is called with.
  if (accessRuleOf(method).rule.case === 'anonymous' && reason === 'API_KEY_INVALID') return false;
  return (
    ADMISSION_REASONS.has(reason) ||
    (reason === 'PERMISSION_DENIED' && metadata.permission === permissionOf(method))
  );
}

/** The permission that the contract demands, as errors name it. */
function permissionOf(method: DescMethod): string | undefined {
  const { rule } = accessRuleOf(method);
  return rule.case === 'permission' ? PermissionSchema.value[rule.value]?.localName.toLowerCase() : undefined;
}
