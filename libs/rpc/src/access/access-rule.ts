import {
  type DescMessage,
  type DescMethod,
  type DescService,
  getOption,
  hasOption,
} from '@bufbuild/protobuf';
import { type Access, access } from '@planton/api/common/v1/access';

/** What the contract says about calling one RPC. */
export interface AccessRule {
  readonly rule: Access['rule'];
  /** Whether the answer can carry a secret: such an RPC is closed while revocations are not known to be fresh. */
  readonly returnsSecrets: boolean;
}

const rules = new WeakMap<DescMethod, AccessRule>();

/** Reads the access option of an RPC. Throws where the contract states none: such an RPC is never served. */
export function accessRuleOf(method: DescMethod): AccessRule {
  let found = rules.get(method);
  if (!found) {
    const { rule } = getOption(method, access);
    if (
      !hasOption(method, access) ||
      rule.case === undefined ||
      (rule.case === 'permission' ? rule.value === 0 : !rule.value)
    ) {
      throw new Error(
        `${method.parent.typeName}/${method.name} does not say who may call it: add option (planton.common.v1.access) to the RPC`,
      );
    }
    found = { rule, returnsSecrets: carriesSecrets(method.output, new Set()) };
    rules.set(method, found);
  }
  return found;
}

/** Who knows the caller of an RPC: `api` by a token, `mutual_tls` by the certificate of its connection. */
export type ListenerKind = 'api' | 'mutual_tls';

/**
 * Throws unless every RPC of the service says who may call it, and may be served on the listener if one is given: what needs a
 * client certificate belongs on the one that demands it, and nothing else does. Called before a server listens.
 */
export function assertAccessRules(service: DescService, listener?: ListenerKind): void {
  for (const method of service.methods) {
    const needed: ListenerKind =
      accessRuleOf(method).rule.case === 'runnerCertificate' ? 'mutual_tls' : 'api';
    if (listener !== undefined && needed !== listener) {
      throw new Error(
        `${method.parent.typeName}/${method.name} is for the ${needed} listener and cannot be served on the ${listener} one`,
      );
    }
  }
}

function carriesSecrets(message: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(message)) return false;
  seen.add(message);
  return message.fields.some(
    (field) =>
      Boolean(field.proto.options?.debugRedact) ||
      (field.message !== undefined && carriesSecrets(field.message, seen)),
  );
}
