import { AuditOutcome } from '@planton/api/common/v1/audit';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { SESSION_POLICY, useSessions } from '../testing/use-sessions.ts';
import {
  type ConnectionClient,
  defaultOf,
  refusalOf,
  type TestOrganization,
} from '../testing/use-test-service.ts';
import { connectByTrust, openingSessions, tokenOf } from '../testing/use-trust.ts';

describe.each(engines)('sessions of connections that change on %s', (kind) => {
  const { service, trusted, issue, recordsOf, callsOf, change, narrow } = useSessions(kind);

  describe('what differs is asked anew', () => {
    test('another requester, environment, policy or duration', async () => {
      const organization = await trusted();
      const { admin, slug: org } = organization;
      organization.addEnvironment('staging');
      const other = await organization.as('admin', { name: 'ada', uid: 'another-ada' });
      const asks: (readonly [ConnectionClient, object])[] = [
        [admin, {}],
        [other, {}],
        [admin, { environment: 'production' }],
        [admin, { environment: 'staging' }],
        [admin, { sessionPolicy: SESSION_POLICY }],
        [admin, { sessionPolicy: `${SESSION_POLICY} ` }],
        [admin, { duration: { seconds: 900n } }],
        [admin, { duration: { seconds: 3_600n } }],
      ];
      const tokens: string[] = [];
      const { runs } = await callsOf(async () => {
        for (const [client, asked] of [...asks, ...asks]) {
          tokens.push((await issue(client, org, asked)).key.sessionToken);
        }
      });
      const expected = asks.map((_, index) => tokenOf(index + 1));
      expect(tokens).toEqual([...expected, ...expected]);
      expect(runs).toHaveLength(asks.length);
    });

    test('a new revision', async () => {
      const organization = await trusted();
      const { admin, slug: org } = organization;
      await issue(admin, org);
      await change(organization);
      const answer = await issue(admin, org);
      expect(answer).toMatchObject({ revision: 2, key: { sessionToken: tokenOf(2) } });
    });

    test('a variable, which is read at every use', async () => {
      const region = { region: { source: { case: 'variable', value: 'region' } } };
      const { admin, slug: org } = await trusted(openingSessions(), region);
      expect((await issue(admin, org)).key).toMatchObject({ region: 'eu-west-1', sessionToken: tokenOf(1) });
      const warm = await callsOf(() => issue(admin, org));
      expect([warm.config, warm.runs]).toEqual([['resolve'], []]);
      service().config.variables.set(`${org}/region`, 'eu-central-1');
      expect((await issue(admin, org)).key).toMatchObject({
        region: 'eu-central-1',
        sessionToken: tokenOf(2),
      });
      service().config.variables.set(`${org}/region`, 'moon-1');
      expect((await refusalOf(issue(admin, org))).reason).toBe('CREDENTIALS_MALFORMED');
    });

    test('another default', async () => {
      const organization = await trusted();
      const { admin, slug: org } = organization;
      await connectByTrust(service(), organization, 'b');
      await issue(admin, org);
      await admin.setDefaultProviderConnection({ org, default: defaultOf('b') });
      expect(await issue(admin, org)).toMatchObject({ connection: 'b', key: { sessionToken: tokenOf(2) } });
      expect((await issue(admin, org, { connection: 'a' })).key.sessionToken).toBe(tokenOf(1));
    });
  });

  test('what may not be used any more is refused, session or not', async () => {
    const organization = await trusted();
    const { admin, slug: org } = organization;
    await issue(admin, org);
    await issue(admin, org, { environment: 'production' });
    await narrow(organization, ['production']);
    expect((await refusalOf(issue(admin, org))).reason).toBe('CONNECTION_NOT_AUTHORIZED');
    expect((await issue(admin, org, { environment: 'production' })).key.sessionToken).toBe(tokenOf(2));
    await narrow(organization, []);
    const refused = await refusalOf(issue(admin, org, { environment: 'production' }));
    expect(refused.reason).toBe('CONNECTION_NOT_AUTHORIZED');
    await admin.deleteProviderConnectionAuthorization({ org, provider: 'aws', connection: 'a' });
    await admin.deleteDefaultProviderConnection({ org, provider: 'aws' });
    await admin.deleteConnection({ org, connection: 'a' });
    expect((await refusalOf(issue(admin, org, { connection: 'a' }))).reason).toBe('CONNECTION_NOT_FOUND');
    await connectByTrust(service(), organization, 'a');
    expect((await issue(admin, org, { connection: 'a' })).key.sessionToken).toBe(tokenOf(3));
  });

  describe('nothing leaves that became wrong while the session was opened', () => {
    const cases: readonly (readonly [
      string,
      string,
      AuditOutcome,
      (of: TestOrganization) => Promise<unknown>,
    ])[] = [
      ['the connection changed', 'CONNECTION_CHANGED', AuditOutcome.FAILED, change],
      [
        'it may not be used here any more',
        'CONNECTION_NOT_AUTHORIZED',
        AuditOutcome.DENIED,
        (of) => narrow(of, []),
      ],
      [
        'the default was switched',
        'CONNECTION_CHANGED',
        AuditOutcome.FAILED,
        async (of) => {
          await connectByTrust(service(), of, 'b');
          await of.admin.setDefaultProviderConnection({ org: of.slug, default: defaultOf('b') });
        },
      ],
      [
        'the environment was deleted',
        'ENVIRONMENT_NOT_FOUND',
        AuditOutcome.FAILED,
        (of) => of.removeEnvironment('production'),
      ],
    ];
    test.each(cases)('%s', async (_, reason, outcome, become) => {
      const open = openingSessions();
      const organization = await trusted(async function* (...given) {
        await become(organization);
        yield* open(...given);
      });
      const { admin, slug: org } = organization;
      const asked = [1, 2].map(() => refusalOf(issue(admin, org, { environment: 'production' })));
      for (const error of await Promise.all(asked)) expect(error.reason).toBe(reason);
      const records = await recordsOf(organization);
      expect(records.map((record) => [record.outcome, record.details.reason])).toEqual([
        [outcome, reason],
        [outcome, reason],
      ]);
    });
  });
});
