import { create } from '@bufbuild/protobuf';
import {
  AwsProviderConnectionSchema,
  type AwsProviderConnectionSpec,
  AwsProviderConnectionSpecSchema,
} from '@planton/api/connect/v1/aws_provider_connection';
import type { Provider } from '../provider.ts';
import { checkSpec, readScalar } from './check-spec.ts';
import { issueCredentials, planCredentials } from './issue-credentials.ts';
import { keepServerOwned } from './keep-server-owned.ts';
import { normalizeSpec } from './normalize-spec.ts';
import { buildSession, readSession } from './open-session.ts';
import { readCauses } from './read-causes.ts';
import { readVerification } from './read-verification.ts';
import { referencesOf } from './references-of.ts';
import { buildVerification, planVerification } from './verify-access.ts';

export const KIND = 'AwsProviderConnection';

export const aws: Provider<AwsProviderConnectionSpec> = {
  name: 'aws',
  kind: KIND,
  specSchema: AwsProviderConnectionSpecSchema,
  wrap: ({ metadata, spec, status }) => ({
    case: 'aws',
    value: create(AwsProviderConnectionSchema, {
      apiVersion: 'connect.planton.ai/v1',
      kind: KIND,
      metadata,
      status,
      ...(spec && { spec }),
    }),
  }),
  normalize: normalizeSpec,
  keepServerOwned,
  referencesOf,
  regionOf: (spec, resolved) => readScalar('spec.region', spec.region, resolved)?.value ?? '',
  runnerOf: (spec) => spec.runner,
  check: checkSpec,
  planCredentials,
  issueCredentials,
  buildSession,
  readSession,
  planVerification,
  buildVerification,
  readVerification,
  readCauses,
};
