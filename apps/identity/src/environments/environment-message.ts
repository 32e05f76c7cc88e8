import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { EnvironmentSchema } from '@planton/api/identity/v1/organization';
import { type DomainError, missing } from '@planton/rpc';
import type { Environment } from './environment-store.ts';

/** @param org slug of the organisation */
export function environmentMessage(
  { uid, slug, create_time }: Environment,
  org: string,
): MessageInitShape<typeof EnvironmentSchema> {
  return { uid, slug, org, createTime: timestampFromDate(create_time) };
}

export function environmentMissing(slug: string, org: string): DomainError {
  return missing('ENVIRONMENT_NOT_FOUND', `environment "${slug}" does not exist in organisation "${org}"`, {
    hint: `planton env create ${slug}`,
    metadata: { environment: slug, org },
  });
}
