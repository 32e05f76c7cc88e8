import { describe, expect, test } from 'vitest';
import { containerCredentialsDocument } from './format-container-document.ts';
import { credentialProcessDocument } from './format-process-document.ts';

const NOW = new Date('2026-03-01T12:00:00.999Z');
const KEY = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const SESSION = {
  ...KEY,
  sessionToken: 'IQoJb3JpZ2luX2VjEXAMPLE',
  expiration: new Date('2026-03-01T13:00:00.999Z'),
  roleArn: 'arn:aws:iam::123456789012:role/deployer',
};

describe('credential_process', () => {
  test('a long-term key has neither token nor expiration', () => {
    for (const key of [KEY, { ...KEY, sessionToken: undefined, expiration: undefined }]) {
      expect(JSON.parse(JSON.stringify(credentialProcessDocument(key)))).toStrictEqual({
        Version: 1,
        AccessKeyId: KEY.accessKeyId,
        SecretAccessKey: KEY.secretAccessKey,
      });
    }
  });

  test('a session has both, the expiration never later than it is', () => {
    expect(credentialProcessDocument(SESSION)).toStrictEqual({
      Version: 1,
      AccessKeyId: KEY.accessKeyId,
      SecretAccessKey: KEY.secretAccessKey,
      SessionToken: SESSION.sessionToken,
      Expiration: '2026-03-01T13:00:00Z',
    });
  });
});

describe('container endpoint', () => {
  test('a long-term key has an empty token and is asked for again after 15 minutes', () => {
    expect(containerCredentialsDocument(KEY, NOW)).toStrictEqual({
      AccessKeyId: KEY.accessKeyId,
      SecretAccessKey: KEY.secretAccessKey,
      Token: '',
      Expiration: '2026-03-01T12:15:00Z',
    });
  });

  test('a session keeps its own expiration and names its role', () => {
    expect(containerCredentialsDocument(SESSION, NOW)).toStrictEqual({
      AccessKeyId: KEY.accessKeyId,
      SecretAccessKey: KEY.secretAccessKey,
      Token: SESSION.sessionToken,
      Expiration: '2026-03-01T13:00:00Z',
      RoleArn: SESSION.roleArn,
    });
  });
});
