import { missing } from '@planton/rpc';
import type { EnvironmentName } from '../connections/connection.ts';

/**
 * The environments that the slugs name.
 *
 * @param field path of the list, for messages
 * @throws `ENVIRONMENT_NOT_FOUND`, which names each that is not there
 */
export function findEnvironments(
  slugs: readonly string[],
  living: readonly EnvironmentName[],
  organization: string,
  field: string,
): readonly EnvironmentName[] {
  const bySlug = new Map(living.map((environment) => [environment.slug, environment]));
  const absent = slugs.filter((slug) => !bySlug.has(slug));
  if (absent.length > 0) {
    const listed = absent.map((slug) => JSON.stringify(slug)).join(', ');
    const subject = absent.length === 1 ? `environment ${listed} does` : `environments ${listed} do`;
    throw missing('ENVIRONMENT_NOT_FOUND', `${subject} not exist in organisation "${organization}"`, {
      hint: 'planton env list',
      violations: absent.map((slug) => ({
        field: `${field}[${slugs.indexOf(slug)}]`,
        message: `environment ${JSON.stringify(slug)} does not exist`,
      })),
    });
  }
  return slugs.flatMap((slug) => bySlug.get(slug) ?? []);
}
