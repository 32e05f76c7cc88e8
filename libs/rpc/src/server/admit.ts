import type { DescMessage, Message } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import type { ContextValues, Interceptor, StreamRequest, UnaryRequest } from '@connectrpc/connect';
import { type Permission, PermissionSchema } from '@planton/api/common/v1/access';
import { type AccessRule, accessRuleOf } from '../access/access-rule.ts';
import type { AccessToken } from '../authentication/access-token.ts';
import { type Authenticator, revocationsStale, tokenRevoked } from '../authentication/authenticator.ts';
import type { Revocations } from '../authentication/revocations.ts';
import {
  actorTokenKey,
  type Caller,
  callerKey,
  hasPermission,
  peerAddressKey,
  requestIdKey,
  serviceCallerKey,
  strangerAddressKey,
} from '../caller/caller.ts';
import { tlsConnectionKey } from '../caller/tls-connection.ts';
import { DomainError, denied, invalid, missing } from '../errors/domain-error.ts';
import type { Limits } from '../limits/limits.ts';
import { credentialOf } from './credential-of.ts';
import { explainViolation } from './explain-violation.ts';

/** Header in which a service forwards the access token of whom it acts for. */
export const ACTOR_HEADER = 'planton-actor';

type Request = UnaryRequest | StreamRequest;

/**
 * Lets a request in: says who calls, checks what the contract demands of the RPC, then validates the message. In this order,
 * so that a stranger learns nothing from the errors.
 */
export function admit(settings: {
  readonly authenticator: Authenticator;
  readonly revocations: Revocations;
  readonly limits: Limits;
}): Interceptor {
  const { limits } = settings;
  // The patterns are those of the contract, not of callers, and none of them backtracks: the engine of the language will do.
  const validator = createValidator({ regexMatch: matchPattern });

  const validate = (schema: DescMessage, message: Message) => {
    const result = validator.validate(schema, message);
    if (result.kind === 'valid') return refuseNul(schema, message);
    if (result.kind === 'error') throw result.error;
    const violations = result.violations.map((violation) => ({
      field: violation.field
        .map((part) => pathPart(part))
        .join('')
        .replace(/^\./, ''),
      message: explainViolation(violation.message),
    }));
    const [first] = violations;
    const more = violations.length > 1 ? `, and ${violations.length - 1} more` : '';
    throw invalid('VALIDATION_FAILED', `${first?.field ? `${first.field}: ` : ''}${first?.message}${more}`, {
      violations,
    });
  };

  const identify = async (request: Request, access: AccessRule, org: string) => {
    const credential = credentialOf(request.header);
    const peerAddress = request.contextValues.get(peerAddressKey);
    const token = await settings.authenticator.authenticate(credential, org, peerAddress);
    await limits.requests.countCaller(token);
    const forwarded = request.header.get(ACTOR_HEADER);
    if (forwarded !== null && token.subject.kind !== 'service') {
      throw denied('ACTOR_NOT_ALLOWED', 'only a service of the platform may act for someone else');
    }
    const actor = forwarded === null ? undefined : await settings.authenticator.authenticate(forwarded, org);
    if (access.returnsSecrets && !settings.revocations.isFresh()) throw revocationsStale();
    return { token, actor };
  };

  /** @returns the tokens that the request stands on */
  const check = async (request: Request, message: Message | undefined): Promise<readonly AccessToken[]> => {
    const access = accessRuleOf(request.method);
    if (access.rule.case === 'anonymous') return [];
    const { contextValues } = request;
    if (access.rule.case === 'runnerCertificate') {
      if (!contextValues.get(tlsConnectionKey)) throw certificateNeeded();
      return [];
    }
    const org = organizationOf(message);
    const { token, actor } = await identify(request, access, org);
    const requestId = contextValues.get(requestIdKey);
    const peerAddress = contextValues.get(peerAddressKey);
    const via = actor ? token.subject.name : undefined;
    const caller: Caller = { ...callerFrom(actor ?? token), requestId, peerAddress, ...(via ? { via } : {}) };
    if (access.rule.case === 'service') {
      if (token.subject.kind !== 'service')
        throw denied('SERVICE_ONLY', 'only services of the platform may call this');
      contextValues.set(serviceCallerKey, {
        service: token.subject.name,
        requestId,
        peerAddress,
        ...(actor ? { actor: caller } : {}),
      });
    }
    checkCaller(caller, access.rule, org);
    contextValues.set(callerKey, caller);
    contextValues.set(
      actorTokenKey,
      (actor ?? (token.subject.kind === 'service' ? undefined : token))?.token,
    );
    return actor ? [token, actor] : [token];
  };

  /** An answer may take its time: no secret leaves for whoever was revoked meanwhile, or may have been. */
  const checkRelease = (tokens: readonly AccessToken[]) => {
    if (tokens.some((token) => settings.authenticator.standingOf(token) === 'revoked')) throw tokenRevoked();
    if (!settings.revocations.isFresh()) throw revocationsStale();
  };

  /** What an anonymous RPC makes of a wrong credential in its message counts like one in the header. */
  const whileCounted = async <Answer>(
    values: ContextValues,
    answer: () => Promise<Answer>,
  ): Promise<Answer> => {
    const address = values.get(strangerAddressKey);
    await limits.failures.refusePaused(address);
    try {
      return await answer();
    } catch (error) {
      if (error instanceof DomainError && error.kind === 'unauthenticated')
        await limits.failures.count(address);
      throw error;
    }
  };

  return (next) => async (request) => {
    if (!request.stream) {
      const tokens = await check(request, request.message);
      validate(request.method.input, request.message);
      const response = await (tokens.length > 0
        ? next(request)
        : whileCounted(request.contextValues, () => next(request)));
      if (tokens.length > 0 && accessRuleOf(request.method).returnsSecrets) checkRelease(tokens);
      return response;
    }
    const input = request.message[Symbol.asyncIterator]();
    const first = request.method.methodKind === 'server_streaming' ? await input.next() : undefined;
    const message = first?.done === false ? first.value : undefined;
    let tokens = await check(request, message);
    if (tokens[0]) limits.streams.holdForCaller(tokens[0], request.signal);
    else limits.streams.holdForStranger(request.contextValues.get(strangerAddressKey), request.signal);
    const response = await next({
      ...request,
      message: validated(input, first, (frame) => validate(request.method.input, frame)),
    });
    if (!response.stream || tokens.length === 0) return response;
    const admitAgain = async () => {
      const standings = new Set(tokens.map(settings.authenticator.standingOf));
      if (standings.has('revoked')) throw tokenRevoked();
      // An API key is exchanged anew, with the rights that it has by now; an access token that has ended ends the stream.
      if (standings.has('outlived')) tokens = await check(request, message);
    };
    return { ...response, message: whileAdmitted(response.message, admitAgain) };
  };
}

/** The answers of a stream, each for as long as its caller would still be let in: who is revoked hears nothing more. */
async function* whileAdmitted(
  answers: AsyncIterable<Message>,
  admitAgain: () => Promise<void>,
): AsyncIterable<Message> {
  for await (const answer of answers) {
    await admitAgain();
    yield answer;
  }
}

const patterns = new Map<string, RegExp>();

function matchPattern(pattern: string, text: string): boolean {
  let compiled = patterns.get(pattern);
  if (!compiled) {
    compiled = new RegExp(pattern, 'u');
    patterns.set(pattern, compiled);
  }
  return compiled.test(text);
}

/** No database takes a NUL character in a text, whatever the rules of the field say. */
function refuseNul(schema: DescMessage, message: Message): void {
  const texts = message as Message & Readonly<Record<string, unknown>>;
  for (const { fieldKind, localName, name } of schema.fields) {
    const value = fieldKind === 'scalar' ? texts[localName] : undefined;
    if (typeof value !== 'string' || !value.includes('\0')) continue;
    const violation = { field: name, message: 'must not hold a NUL character' };
    throw invalid('VALIDATION_FAILED', `${name}: ${violation.message}`, { violations: [violation] });
  }
}

function certificateNeeded() {
  return denied('RUNNER_CERTIFICATE_REQUIRED', 'only a runner may call this, with its client certificate', {
    hint: 'planton runner start',
  });
}

function checkCaller(caller: Caller, rule: AccessRule['rule'], org: string): void {
  const { subject, membership } = caller;
  if (rule.case === 'instanceOwner') {
    if (!subject.instanceOwner) {
      throw denied('INSTANCE_OWNER_ONLY', 'only the owner of this server may do this', {
        hint: 'planton auth login --api-key-file <data-dir>/bootstrap-api-key',
      });
    }
    return;
  }
  if (rule.case !== 'permission') return;
  if (subject.kind === 'service')
    throw denied('ACTOR_MISSING', 'a service may do this only in the name of someone');
  if (membership?.organization.slug !== org) {
    throw missing(
      'ORGANIZATION_NOT_FOUND',
      `there is no organisation "${org}", or you are not a member of it`,
      {
        hint: 'planton org list',
        metadata: { org },
      },
    );
  }
  if (!hasPermission(membership, rule.value)) {
    const permission = permissionName(rule.value);
    throw denied(
      'PERMISSION_DENIED',
      `your role ${membership.role} in ${org} does not include ${permission}`,
      {
        hint: 'ask an owner or admin of the organisation; planton auth whoami shows your roles',
        metadata: { org, role: membership.role, permission },
      },
    );
  }
}

function callerFrom(token: AccessToken): Pick<Caller, 'subject' | 'membership'> {
  return { subject: token.subject, ...(token.membership ? { membership: token.membership } : {}) };
}

async function* validated(
  input: AsyncIterator<Message>,
  first: IteratorResult<Message> | undefined,
  validate: (message: Message) => void,
): AsyncIterable<Message> {
  for (let result = first ?? (await input.next()); !result.done; result = await input.next()) {
    validate(result.value);
    yield result.value;
  }
}

/**
 * The organisation that a request names: a text field `org`, as every request of an organisation has. Empty for what cannot be
 * the slug of one.
 */
function organizationOf(message: Message | undefined): string {
  const { org } = (message ?? {}) as { org?: unknown };
  return typeof org === 'string' && org.length <= 63 && !org.includes('\0') ? org : '';
}

type PathPart = { kind: string; name?: string; index?: number; key?: unknown };

function pathPart(part: PathPart): string {
  if (part.kind === 'list_sub') return `[${part.index}]`;
  if (part.kind === 'map_sub') return `["${String(part.key)}"]`;
  return `.${part.name}`;
}

/** A permission as people write it: `secret_write`. */
function permissionName(permission: Permission): string {
  return PermissionSchema.value[permission]?.localName.toLowerCase() ?? '';
}
