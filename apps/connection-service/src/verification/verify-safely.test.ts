import { AuditOutcome } from '@planton/api/common/v1/audit';
import { VerificationStepState } from '@planton/api/connect/v1/connection_service';
import {
  AwsAccessCauseCode,
  AwsAccessVerdict,
  OperationErrorKind,
  OperationState,
} from '@planton/api/runner/v1/operation';
import { engines } from '@planton/database/testing';
import { describe, expect, test, vi } from 'vitest';
import { verify } from '../testing/collect-verification.ts';
import { failed, succeeded } from '../testing/fake-runner-service.ts';
import { awsConnection, KEY_ID, refusalOf, SECRET_KEY } from '../testing/use-test-service.ts';
import { PLATFORM, useVerification } from '../testing/use-verification.ts';

describe.each(engines)('who may verify, and who learns what, on %s', (kind) => {
  const { service, connected, statusOf, auditOf, lastRun } = useVerification(kind);

  test('no record, no result', async () => {
    const organization = await connected();
    const { deps, database } = service();
    const client = await service().clientWith(
      {
        ...deps,
        database: {
          ...database,
          transact: (fn, options) =>
            database.transact(async (tx) => {
              await fn(tx);
              throw new Error('the disk is full');
            }, options),
        },
      },
      organization,
    );
    const error = await refusalOf(verify(client, organization.slug, 'a'));
    expect(error).toMatchObject({ kind: 'internal', reason: 'INTERNAL' });
    expect(await statusOf(organization)).toBeUndefined();
    expect(await auditOf(organization)).toMatchObject([
      { outcome: AuditOutcome.FAILED, details: { reason: 'INTERNAL' } },
    ]);
  });

  test('a caller who leaves ends the operation, and is on record', async () => {
    const organization = await connected();
    const { admin, slug: org } = organization;
    let aborted = false;
    service().runners.carry = async function* (_, signal) {
      yield { event: { case: 'operation', value: { state: OperationState.RUNNING, attempt: 1 } } };
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      aborted = true;
    };
    const leaving = new AbortController();
    const call = async () => {
      for await (const { event } of admin.verifyConnection(
        { org, connection: 'a' },
        { signal: leaving.signal },
      )) {
        const begun = event.case === 'step' && event.value.state === VerificationStepState.PASSED;
        if (begun && event.value.name === PLATFORM) leaving.abort();
      }
    };
    await expect(call()).rejects.toThrow();
    await vi.waitFor(() => expect(aborted).toBe(true), { timeout: 10_000 });
    await vi.waitFor(
      async () =>
        expect(await auditOf(organization)).toMatchObject([
          { outcome: AuditOutcome.FAILED, resourceSlug: 'a', details: { reason: 'CANCELED' } },
        ]),
      { timeout: 10_000 },
    );
    expect(await statusOf(organization)).toBeUndefined();
  });

  test('roles that do not include it, or only one environment, are refused before anything is read', async () => {
    const organization = await connected();
    const { slug: org, admin } = organization;
    const before = service().config.calls.length;
    const viewer = await organization.as('viewer');
    expect(await refusalOf(verify(viewer, org, 'a'))).toMatchObject({
      kind: 'denied',
      reason: 'PERMISSION_DENIED',
    });
    const limited = await organization.as('deployer', { environments: [organization.production] });
    expect(await refusalOf(verify(limited, org, 'a'))).toMatchObject({
      kind: 'denied',
      reason: 'ENVIRONMENT_NOT_COVERED',
    });
    expect(await refusalOf(verify(admin, org, 'nope'))).toMatchObject({
      kind: 'missing',
      reason: 'CONNECTION_NOT_FOUND',
    });
    expect(service().config.calls).toHaveLength(before);
    expect(await auditOf(organization)).toMatchObject([
      { outcome: AuditOutcome.FAILED, resourceSlug: 'nope', details: { reason: 'CONNECTION_NOT_FOUND' } },
      { outcome: AuditOutcome.DENIED, resourceSlug: 'a', details: { reason: 'ENVIRONMENT_NOT_COVERED' } },
    ]);
  });

  test('what another service denies the caller is refused, and no result', async () => {
    const organization = await connected();
    const { admin, slug: org } = organization;
    service().config.owners.clear();
    const error = await refusalOf(verify(admin, org, 'a'));
    expect(error).toMatchObject({ kind: 'denied', reason: 'NOT_REGISTERED' });
    expect(await statusOf(organization)).toBeUndefined();
    expect((await auditOf(organization))[0]?.outcome).toBe(AuditOutcome.DENIED);
  });

  test('a runner that repeats the key shows it to nobody, and it is stored nowhere', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    const canaries = [
      'ASIAIOSFODNN7CANARY1',
      'wJalrXUtnFEMI/K7MDENG/bPxRfiCYCANARYKEY+',
      'CANARY+token/'.repeat(20),
    ];
    const [id = '', key = '', token = ''] = canaries;
    service().config.secrets.set(`${org}/temporary`, { value: id });
    service().config.secrets.set(`${org}/aws-secret-access-key`, { value: key });
    service().config.secrets.set(`${org}/token`, { value: token });
    const spec = { sessionToken: { secret: 'token' }, accessKeyId: { secret: 'temporary' } };
    await admin.applyConnection({ org, connection: awsConnection('a', spec) });
    const loud = `\0<${id}> ${encodeURIComponent(key)} ${key} and ${token}`;
    const causes = [{ code: AwsAccessCauseCode.WRONG_SECRET, message: loud, hint: loud }];
    const step = { event: { case: 'step', value: { name: loud, detail: loud } } } as const;
    for (const end of [
      failed(OperationErrorKind.AUTHENTICATION, { reason: id, message: loud, hint: loud }),
      failed(OperationErrorKind.OFFLINE, { reason: 'X', message: loud, causes }, 0),
      succeeded({ verdict: AwsAccessVerdict.REFUSED, observation: loud, causes }),
      succeeded({ verdict: AwsAccessVerdict.VERIFIED, accountId: id, arn: loud }),
    ]) {
      service().runners.carry = () => [step, end];
      const { steps, result } = await verify(admin, org, 'a');
      const shown = `${JSON.stringify(steps)} ${result.message} ${result.identity} ${JSON.stringify(result.causes)}`;
      for (const canary of [...canaries, encodeURIComponent(key), '\\u0000'])
        expect(shown).not.toContain(canary);
      expect(shown).toContain('[hidden]');
    }
    expect(lastRun().request.input?.kind.value).toMatchObject({
      authentication: { method: { value: { accessKeyId: id, secretAccessKey: key, sessionToken: token } } },
    });
    const { query } = service().database;
    const rows = [
      await query.selectFrom('connection').selectAll().execute(),
      await query.selectFrom('connection_revision').selectAll().execute(),
      await query.selectFrom('connection_verification').selectAll().execute(),
      await query.selectFrom('reference_outbox').selectAll().execute(),
      await query.selectFrom('audit_record').selectAll().execute(),
    ];
    const everything = JSON.stringify([rows, service().log]);
    for (const canary of [...canaries, KEY_ID, SECRET_KEY]) expect(everything).not.toContain(canary);
  });
});
