import type { HandlerContext } from '@connectrpc/connect';
import type { Revocations } from '../authentication/revocations.ts';
import { type OrganizationCaller, organizationCallerOf } from '../caller/caller.ts';
import { denied, missing } from '../errors/domain-error.ts';

/** An environment by both of its names. */
export interface EnvironmentName {
  readonly uid: string;
  readonly slug: string;
}

/** The level that a request is about: an organisation, or one environment of it. */
export interface Scope {
  readonly organization: { readonly uid: string; readonly slug: string };
  readonly environment?: EnvironmentName;
}

/**
 * Resolves the environment that a request names and checks that the caller's role covers it; an empty slug is the
 * organisation level. With `write`, a role that is limited to environments does not cover the organisation level.
 *
 * Throws `ENVIRONMENT_NOT_FOUND` or `ENVIRONMENT_NOT_COVERED`.
 */
export type ScopeOf = (
  context: HandlerContext,
  environment: string,
  options?: { readonly write?: boolean },
) => Promise<Scope>;

/** Answers the living environments of an organisation by its uid. */
export type LookUpEnvironments = (organizationUid: string) => Promise<readonly EnvironmentName[]>;

/**
 * Makes a resolver of scopes. It remembers environments until one of them is revoked or the revocations are too old; a slug
 * that it does not know is always looked up, so a new environment can be used at once.
 */
export function createScopeResolver(
  lookUp: LookUpEnvironments,
  revocations: Pick<Revocations, 'isFresh' | 'onChange'>,
): ScopeOf {
  const known = new Map<string, Promise<ReadonlyMap<string, EnvironmentName>>>();
  revocations.onChange(() => known.clear());

  const fetch = (organizationUid: string) => {
    const fetched = lookUp(organizationUid).then(
      (list) => new Map(list.map((environment) => [environment.slug, environment])),
    );
    known.set(organizationUid, fetched);
    fetched.catch(() => {
      if (known.get(organizationUid) === fetched) known.delete(organizationUid);
    });
    return fetched;
  };

  const find = async (organizationUid: string, slug: string) => {
    const remembered = revocations.isFresh() ? (await known.get(organizationUid))?.get(slug) : undefined;
    return remembered ?? (await fetch(organizationUid)).get(slug);
  };

  return async (context, slug, options) => {
    const caller = organizationCallerOf(context);
    const { organization, environments } = caller.membership;
    if (slug === '') {
      if (options?.write && environments !== 'all') throw notCovered(caller, 'the organisation level');
      return { organization };
    }
    const environment = await find(organization.uid, slug);
    const covered = environment && (environments === 'all' || environments.includes(environment.uid));
    if (environment && covered) return { organization, environment };
    if (environments !== 'all') throw notCovered(caller, `environment "${slug}"`);
    throw missing(
      'ENVIRONMENT_NOT_FOUND',
      `environment "${slug}" does not exist in organisation "${organization.slug}"`,
      {
        hint: `planton env create ${slug}`,
        metadata: { environment: slug },
      },
    );
  };
}

/** An environment that is not covered reads like one that does not exist: both are refused alike. */
function notCovered(caller: OrganizationCaller, what: string) {
  const { role, organization } = caller.membership;
  return denied(
    'ENVIRONMENT_NOT_COVERED',
    `your role ${role} in ${organization.slug} does not cover ${what}`,
    {
      hint: 'planton env list shows what it covers',
    },
  );
}
