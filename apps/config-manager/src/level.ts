import type { Scope } from '@planton/rpc';

/** Where a slug is looked up: an organisation, or one environment of it. There is no fallback from one to the other. */
export interface Level {
  readonly organizationUid: string;
  /** Empty for the organisation level. */
  readonly environmentUid: string;
}

export function levelOf({ organization, environment }: Scope): Level {
  return { organizationUid: organization.uid, environmentUid: environment?.uid ?? '' };
}

/** Names the level in a message. */
export function describeLevel({ organization, environment }: Scope): string {
  const name = `organisation "${organization.slug}"`;
  return environment ? `environment "${environment.slug}" of ${name}` : name;
}

/** What a command needs to speak of the same level. */
export function environmentFlag({ environment }: Scope): string {
  return environment ? ` --env ${environment.slug}` : '';
}
