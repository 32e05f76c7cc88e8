import type { ConnectionView, EnvironmentName } from '../connections/connection.ts';
import type { Deps } from '../deps.ts';

/**
 * Uids of the environments that still exist, and '' for the organisation. Identity is asked only where `named` holds an
 * environment at all. Environments are deleted there without a word to this service, so what refers to one is dropped when it is met.
 */
export async function liveEnvironments(
  { lookUpEnvironments }: Pick<Deps, 'lookUpEnvironments'>,
  organizationUid: string,
  named: readonly { readonly uid: string }[],
): Promise<ReadonlySet<string>> {
  if (named.every(({ uid }) => uid === '')) return new Set(['']);
  const living = await lookUpEnvironments(organizationUid);
  return new Set(['', ...living.map(({ uid }) => uid)]);
}

/** The views without what refers to environments that are gone. */
export async function hideLostEnvironments<View extends ConnectionView>(
  deps: Pick<Deps, 'lookUpEnvironments'>,
  organizationUid: string,
  views: readonly View[],
): Promise<View[]> {
  const named = views.flatMap(({ defaults, environments }) => [...defaults, ...environments]);
  const live = await liveEnvironments(deps, organizationUid, named);
  const lives = ({ uid }: EnvironmentName) => live.has(uid);
  return views.map((view) => ({
    ...view,
    defaults: view.defaults.filter(lives),
    environments: view.environments.filter(lives),
  }));
}
