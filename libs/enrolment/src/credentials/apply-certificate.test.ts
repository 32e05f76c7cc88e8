import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type RunnerCertificate, RunnerCertificateSchema } from '@planton/api/runner/v1/runner';
import { beforeAll, expect, test } from 'vitest';
import { makeCredentials } from '../testing/make-credentials.ts';
import { createTestAuthority, publicKeyPem, type TestAuthority } from '../testing/test-authority.ts';
import { applyCertificate, readPrivateKey } from './apply-certificate.ts';
import type { RunnerCredentials } from './credentials.ts';

let authority: TestAuthority;
let credentials: RunnerCredentials;
let next: RunnerCertificate;
beforeAll(async () => {
  authority = await createTestAuthority();
  credentials = await makeCredentials(authority);
  next = await authority.issueInstance(publicKeyPem(credentials.privateKey), {
    instanceUid: credentials.instanceUid,
    generation: 2,
  });
});

test('the next certificate replaces the one before and nothing else', () => {
  const applied = applyCertificate(credentials, next);
  expect(applied).toEqual({
    ...credentials,
    certificate: next.certificate,
    generation: 2,
    expireTime: expect.stringMatching(/Z$/),
    renewAfterTime: expect.stringMatching(/Z$/),
  });
});

test('several authorities at once are fine', async () => {
  const second = await createTestAuthority('second');
  const caBundle = `${authority.caBundle}\n${second.caBundle}`;
  expect(applyCertificate(credentials, { ...next, caBundle }).caBundle).toBe(caBundle);
});

test('what cannot be used is refused', async () => {
  const other = await makeCredentials(authority);
  const change = (fields: Partial<RunnerCertificate>) =>
    create(RunnerCertificateSchema, { ...next, ...fields } as RunnerCertificate);
  const { expireTime: _, ...withoutEnd } = next;
  for (const [answer, why] of [
    [undefined, 'no certificate'],
    [change({ certificate: other.certificate }), 'another key'],
    [change({ certificate: 'garbage' }), 'cannot be read'],
    [change({ caBundle: '' }), 'no certificate authority'],
    [change({ caBundle: next.certificate }), 'no certificate authority'],
    [change({ caBundle: authority.caBundle.repeat(1_000) }), 'no certificate authority'],
    [change({ generation: 0 }), 'no generation'],
    [
      create(RunnerCertificateSchema, { ...withoutEnd, renewAfterTime: timestampFromDate(new Date()) }),
      'no end',
    ],
  ] as const)
    expect(() => applyCertificate(credentials, answer)).toThrow(why);
});

test('a key that cannot be read is not quoted', () => {
  expect(() => readPrivateKey('-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----')).toThrow(
    /^the private key of the credentials cannot be read$/,
  );
});
