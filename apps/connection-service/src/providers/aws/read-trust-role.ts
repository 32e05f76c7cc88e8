import type { AwsProviderConnectionSpec } from '@planton/api/connect/v1/aws_provider_connection';
import { state } from '@planton/rpc';
import type { FieldValues, ReferenceUse } from '../../references/reference.ts';
import { type Place, readPlace } from './read-values.ts';
import { referencesOf } from './references-of.ts';

/** The role of a connection that trusts the platform, with what it takes to assume it. */
export interface TrustRole extends Place {
  readonly roleArn: string;
  readonly externalId: string;
}

/** As STS takes them. */
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/;
const FIELDS = new Set(['spec.account_id', 'spec.region', 'spec.external_id']);

/**
 * What has to be read to assume the role of a connection. Throws `EXTERNAL_ID_MISSING` for one without an external ID, which no set-up
 * makes: its role could be anybody's.
 */
export function planTrustRole(spec: AwsProviderConnectionSpec, connection: string): readonly ReferenceUse[] {
  if (!spec.externalId) {
    throw state(
      'EXTERNAL_ID_MISSING',
      `connection "${connection}" has no external ID, so its role is not assumed`,
      {
        hint: 'make a new role: planton connect aws --reconnect',
        metadata: { connection },
      },
    );
  }
  return referencesOf(spec).filter(({ field }) => FIELDS.has(field));
}

/** Throws `CREDENTIALS_MALFORMED`, never with the external ID. */
export function readTrustRole(spec: AwsProviderConnectionSpec, resolved: FieldValues): TrustRole {
  const place = readPlace(spec, resolved);
  const externalId = resolved.get('spec.external_id') ?? '';
  if (!EXTERNAL_ID.test(externalId)) {
    const message = 'spec.external_id: the secret holds no external ID';
    throw state('CREDENTIALS_MALFORMED', message, {
      hint: 'make a new role: planton connect aws --reconnect',
      violations: [{ field: 'spec.external_id', message: 'the secret holds no external ID' }],
    });
  }
  return { ...place, roleArn: spec.iamRoleArn, externalId };
}
