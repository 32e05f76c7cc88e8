import { randomUUID } from 'node:crypto';
import { AwsTrustSetupState } from '@planton/api/connect/v1/aws_trust_setup';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { useSetups } from '../testing/use-setups.ts';
import { awsConnection, refusalOf } from '../testing/use-test-service.ts';
import { insertOwnedSecret } from './owned-secret-store.ts';

const { FAILED } = AwsTrustSetupState;

describe.each(engines)('reconnecting by cross-account trust on %s', (kind) => {
  const { service, initiate, createStack, advance, read, completed, connectionOf, auditOf } = useSetups(kind);

  test('keeps the identity and the external ID, and uses the old role until the new one was verified', async () => {
    const organization = await service().newOrganization();
    const first = await completed(organization);
    const before = await connectionOf(organization);
    expect(await refusalOf(initiate(organization))).toMatchObject({
      kind: 'duplicate',
      reason: 'CONNECTION_EXISTS',
    });
    const again = await initiate(organization, { reconnect: true });
    expect(again.setup?.roleName).not.toBe(first.setup?.roleName);
    expect(again.role?.externalId).toBe(first.role?.externalId);
    await advance(organization);
    expect((await connectionOf(organization)).spec?.iamRoleArn).toBe(first.setup?.roleArn);
    createStack(again);
    await advance(organization);
    const after = await connectionOf(organization);
    expect(after.metadata).toMatchObject({ uid: before.metadata?.uid, revision: 2 });
    expect(after.spec).toMatchObject({
      iamRoleArn: again.setup?.roleArn,
      externalId: before.spec?.externalId,
    });
  });

  test('gives a connection with a key a role instead', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    await admin.applyConnection({ org, connection: awsConnection('prod-aws') });
    createStack(await initiate(organization, { reconnect: true }));
    await advance(organization);
    const { spec, metadata } = await connectionOf(organization);
    expect(metadata?.revision).toBe(2);
    expect(spec?.accessKeyId).toBeUndefined();
    expect(service().config.owners.get(metadata?.uid ?? '')?.references).toEqual(
      new Set(['secret/prod-aws-external-id/value']),
    );
  });

  test('needs a connection, of the same account', async () => {
    const organization = await service().newOrganization();
    expect(await refusalOf(initiate(organization, { reconnect: true }))).toMatchObject({ kind: 'missing' });
    await completed(organization);
    const moved = initiate(organization, { reconnect: true, accountId: '999999999999' });
    expect(await refusalOf(moved)).toMatchObject({ kind: 'state', reason: 'ACCOUNT_DIFFERS' });
  });

  test('ends truthfully where the connection is moved to another account meanwhile', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    await admin.applyConnection({ org, connection: awsConnection('prod-aws') });
    const begun = await initiate(organization, { reconnect: true });
    const accountId = { source: { case: 'value', value: '999999999999' } } as const;
    await admin.applyConnection({ org, connection: awsConnection('prod-aws', { accountId }) });
    createStack(begun);
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: FAILED,
      message: expect.stringContaining('was moved to account 999999999999 meanwhile'),
    });
    expect((await connectionOf(organization)).spec?.accountId).toMatchObject(accountId);
  });

  test('is begun anew for a connection that was made again under the same name', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    await admin.applyConnection({ org, connection: awsConnection('prod-aws') });
    const first = await initiate(organization, { reconnect: true });
    await admin.deleteConnection({ org, connection: 'prod-aws' });
    await admin.applyConnection({ org, connection: awsConnection('prod-aws') });
    const again = await initiate(organization, { reconnect: true });
    expect(again.resumed).toBe(false);
    expect(again.role?.externalId).not.toBe(first.role?.externalId);
    expect(again.setup?.connectionUid).toBe((await connectionOf(organization)).metadata?.uid);
    const ends = (await auditOf(organization)).filter(({ action }) => action === 'trust_setup.fail');
    expect(ends).toMatchObject([{ details: { reason: 'REPLACED' } }]);
    createStack(again);
    await advance(organization);
    expect((await connectionOf(organization)).spec?.iamRoleArn).toBe(again.setup?.roleArn);
  });

  test('keeps the external ID that the connection uses, where another one was minted in vain', async () => {
    const organization = await service().newOrganization();
    const first = await completed(organization);
    const connectionUid = first.setup?.connectionUid ?? '';
    const stray = { uid: randomUUID(), organization_uid: organization.uid, connection_uid: connectionUid };
    await insertOwnedSecret(service().database.query, stray);
    const again = await initiate(organization, { reconnect: true });
    expect(again.role?.externalId).toBe(first.role?.externalId);
  });

  test('ends truthfully where the connection is deleted meanwhile', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    await completed(organization);
    const again = await initiate(organization, { reconnect: true });
    await admin.deleteConnection({ org, connection: 'prod-aws' });
    createStack(again);
    await advance(organization);
    expect(await read(organization, again.setup?.uid)).toMatchObject({
      state: FAILED,
      message: expect.stringContaining('was deleted meanwhile'),
    });
  });
});
