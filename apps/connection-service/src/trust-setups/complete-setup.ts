import { create, toJson } from '@bufbuild/protobuf';
import { ReferencePhase } from '@planton/api/config/v1/reference';
import {
  AuthMode,
  type AwsProviderConnectionSpec,
  AwsProviderConnectionSpecSchema,
} from '@planton/api/connect/v1/aws_provider_connection';
import { DomainError, toDomainError } from '@planton/rpc';
import { insertAuditRecords } from '../audit/audit-store.ts';
import { type ConnectionRow, readTextMap } from '../connections/connection.ts';
import { commitConnection } from '../connections/connection-change-store.ts';
import { findConnectionByUid, readApplyBase } from '../connections/connection-store.ts';
import { limitConnections } from '../connections/limit-connections.ts';
import type { Deps } from '../deps.ts';
import { aws } from '../providers/aws/aws.ts';
import { referencesOf } from '../providers/aws/references-of.ts';
import { deliverOwnReferences } from '../references/deliver-references.ts';
import type { Owner } from '../references/outbox-store.ts';
import { referenceMessage } from '../references/reference.ts';
import { pauseAfterResult } from '../verification/pace.ts';
import { storeFinding } from '../verification/verification-store.ts';
import { serviceOrigin } from './audit-setup.ts';
import { lockOwnedSecret } from './owned-secret-store.ts';
import { otherAccountOf } from './plan-setup.ts';
import { capabilityValues, SETUP_KIND } from './trust-setup.ts';
import { type DueSetup, endSetup } from './trust-setup-store.ts';

/** A role that was found to be the right one, and to keep others out. */
export interface VerifiedRole {
  readonly roleArn: string;
  /** ARN of the session. */
  readonly identity: string;
  /** Empty without a stack. */
  readonly stackId: string;
}

/** How completing went: `contended` where somebody changed the connection at the same moment, so that it has to be done again. */
export type Completion = 'completed' | 'contended' | { readonly failed: string };

/**
 * Makes the connection use the role: a new one, or with `reconnect` the one that is there, which keeps its identity. Registers the external
 * ID first and confirms it afterwards, as every change of a connection does; connection, verification and the end of the set-up are one
 * transaction.
 */
export async function completeSetup(deps: Deps, setup: DueSetup, role: VerifiedRole): Promise<Completion> {
  const base = await readBase(deps, setup);
  if ('failed' in base) return base;
  const { connection, fence } = base;
  const owner: Owner = {
    uid: setup.connection_uid,
    kind: aws.kind,
    slug: connection?.slug ?? setup.connection_slug,
    organization: { uid: setup.organization_uid, slug: setup.organization_slug },
  };
  const spec = specOf(setup, role);
  const references = referencesOf(spec).map(({ reference }) => reference);
  const referenceRevision = fence + 1;
  try {
    await deps.configManager.setReferences({
      organizationUid: setup.organization_uid,
      owner: { kind: owner.kind, uid: owner.uid, slug: owner.slug },
      revision: referenceRevision,
      references: references.map(referenceMessage),
      phase: ReferencePhase.REGISTER,
    });
  } catch (thrown) {
    if (toDomainError(thrown)?.kind !== 'stale') throw thrown;
    return 'contended';
  }

  const completion = await deps.database
    .transact(async (tx): Promise<Completion> => {
      if (!(await lockOwnedSecret(tx, setup.external_id_uid, setup.external_id_slug))) {
        return { failed: 'the external ID of the set-up was retired' };
      }
      const verified = { roleArn: role.roleArn, stackId: role.stackId };
      const message = `the role was verified as ${role.identity}`;
      const ended = await endSetup(
        tx,
        setup.uid,
        { state: 'completed', message, causes: [], verified },
        setup.attempts,
      );
      if (!ended) return 'completed';
      const revision = await commitConnection(tx, {
        owner,
        content: {
          provider: aws.name,
          kind: aws.kind,
          name: connection?.name ?? setup.connection_name,
          labels: readTextMap(connection?.labels),
          annotations: readTextMap(connection?.annotations),
          spec: toJson(AwsProviderConnectionSpecSchema, spec),
        },
        expectedRevision: connection?.revision ?? 0,
        referenceRevision,
        runnerUid: '',
        confirm: [
          { target: 'config', references },
          ...(connection && connection.runner_uid !== ''
            ? [{ target: 'runner', runnerUids: [] } as const]
            : []),
        ],
        verifyAfterSeconds: pauseAfterResult(deps.verification, deps.random()),
        by: setup.created_by,
      });
      if (revision === undefined) throw new Contended();
      if (!connection) await limitConnections(tx, owner.organization);
      await storeFinding(tx, {
        connectionUid: owner.uid,
        revision,
        finding: {
          outcome: 'verified',
          message: `account ${setup.account_id} answered as ${role.identity}`,
          causes: [],
          identity: role.identity,
        },
        // Only a role that kept others out completes a set-up.
        protection: { shown: true, insecure: 'clear' },
        runner: '',
        next: undefined,
      });
      const origin = serviceOrigin(deps, setup);
      const initiated_by = setup.created_by;
      await insertAuditRecords(tx, [
        {
          uid: deps.newUid(),
          origin,
          entry: {
            action: 'trust_setup.complete',
            resource: { kind: SETUP_KIND, uid: setup.uid, slug: setup.connection_slug },
            details: { role_arn: role.roleArn, initiated_by },
          },
        },
        {
          uid: deps.newUid(),
          origin,
          entry: {
            action: connection ? 'connection.update' : 'connection.create',
            resource: owner,
            version: revision,
            details: { provider: aws.name, trust_setup: setup.uid, initiated_by },
          },
        },
      ]);
      return 'completed';
    })
    .catch((thrown: unknown): Completion => {
      if (thrown instanceof Contended) return 'contended';
      if (thrown instanceof DomainError && thrown.kind === 'quota') return { failed: thrown.message };
      throw thrown;
    });
  if (completion === 'completed') await deliverOwnReferences(deps, owner.uid);
  return completion;
}

/** Takes back what the transaction has done so far. */
class Contended extends Error {}

interface Base {
  /** Undefined where it is made now. */
  readonly connection: ConnectionRow | undefined;
  readonly fence: number;
}

async function readBase({ database }: Deps, setup: DueSetup): Promise<Base | { readonly failed: string }> {
  if (!setup.reconnect) {
    const { view } = await readApplyBase(database.query, setup.organization_uid, setup.connection_slug);
    if (view) return { failed: `somebody else has made a connection "${setup.connection_slug}" meanwhile` };
    const { fence } = await findConnectionByUid(database.query, setup.organization_uid, setup.connection_uid);
    return { connection: undefined, fence };
  }
  const { connection, fence } = await findConnectionByUid(
    database.query,
    setup.organization_uid,
    setup.connection_uid,
  );
  if (!connection) return { failed: `connection "${setup.connection_slug}" was deleted meanwhile` };
  const other = otherAccountOf(connection, setup.account_id);
  if (other !== undefined) {
    return { failed: `connection "${setup.connection_slug}" was moved to account ${other} meanwhile` };
  }
  return { connection, fence };
}

function specOf(setup: DueSetup, { roleArn, stackId }: VerifiedRole): AwsProviderConnectionSpec {
  return create(AwsProviderConnectionSpecSchema, {
    authMode: AuthMode.CROSS_ACCOUNT_TRUST,
    accountId: { source: { case: 'value', value: setup.account_id } },
    region: { source: { case: 'value', value: setup.region } },
    iamRoleArn: roleArn,
    externalId: { secret: setup.external_id_slug },
    capabilities: capabilityValues(setup.capabilities),
    cloudFormationStackId: stackId,
  });
}
