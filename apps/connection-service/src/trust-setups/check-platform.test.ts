import { AwsTrustCallback } from '@planton/api/connect/v1/connection_service';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { useSetups } from '../testing/use-setups.ts';
import { refusalOf } from '../testing/use-test-service.ts';

describe.each(engines)(
  'what the operator has to set up for cross-account trust, named before anything is minted, on %s',
  (kind) => {
    const trust = useSetups(kind);
    const { service, initiate } = trust;

    test.each([
      [{ principalArn: undefined }, 'AWS_PRINCIPAL_MISSING'],
      [{ principalArn: 'arn:aws:sts::111122223333:assumed-role/planton/i-1' }, 'AWS_PRINCIPAL_INVALID'],
      [{ templateUrl: undefined }, 'AWS_TEMPLATE_URL_MISSING'],
      [{ templateUrl: 'https://example.com/t.yaml' }, 'AWS_TEMPLATE_URL_INVALID'],
    ])('%j', async (settings, reason) => {
      const organization = await service().newOrganization();
      const { deps, clientWith, config } = service();
      const admin = await clientWith({ ...deps, trust: { ...deps.trust, ...settings } }, organization);
      config.calls.length = 0;
      const refused = await refusalOf(initiate({ ...organization, admin }));
      expect(refused).toMatchObject({ kind: 'state', reason, hint: expect.stringContaining('--aws-') });
      expect(config.calls).not.toContain('mint');
    });

    test('the identity of the platform runner', async () => {
      const organization = await service().newOrganization();
      trust.aws().identity = '';
      expect(await refusalOf(initiate(organization))).toMatchObject({
        kind: 'state',
        reason: 'PLATFORM_IDENTITY_MISSING',
      });
      trust.aws().identity = 'arn:aws:sts::111122223333:assumed-role/other/i-1';
      expect(await refusalOf(initiate(organization))).toMatchObject({
        reason: 'PLATFORM_PRINCIPAL_MISMATCH',
      });
      trust.aws().fault = 'offline';
      expect(await refusalOf(initiate(organization))).toMatchObject({
        kind: 'unavailable',
        reason: 'PLATFORM_RUNNER_OFFLINE',
      });
      trust.aws().fault = 'throttled';
      expect(await refusalOf(initiate(organization))).toMatchObject({
        kind: 'unavailable',
        reason: 'PLATFORM_IDENTITY_UNKNOWN',
        message: expect.stringContaining('AWS asks to slow down'),
      });
      trust.aws().fault = 'broken';
      expect(await refusalOf(initiate(organization))).toMatchObject({ kind: 'unavailable' });
    });

    test('a public URL that nobody named leaves the callback out; a token never crosses a network in the clear', async () => {
      const organization = await service().newOrganization();
      const { deps, clientWith } = service();
      const at = async (publicUrl: string, publicUrlGiven: boolean) => ({
        ...organization,
        admin: await clientWith(
          { ...deps, trust: { ...deps.trust, publicUrl, publicUrlGiven } },
          organization,
        ),
      });
      const guessed = await at('http://127.0.0.1:8080', false);
      expect((await initiate(guessed, { name: 'a' })).setup?.callsBack).toBe(false);
      const always = { callback: AwsTrustCallback.ALWAYS };
      expect((await initiate(guessed, { name: 'b', ...always })).setup?.callsBack).toBe(true);
      const plain = await at('http://planton.example.com', true);
      expect((await initiate(plain, { name: 'c' })).setup?.callsBack).toBe(false);
      expect(await refusalOf(initiate(plain, { name: 'd', ...always }))).toMatchObject({
        reason: 'CALLBACK_NOT_CONFIDENTIAL',
      });
    });
  },
);
