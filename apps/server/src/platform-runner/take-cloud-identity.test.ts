import { expect, test } from 'vitest';
import { takeCloudIdentity } from './take-cloud-identity.ts';

test('every AWS variable goes, nothing else, and the platform runner gets them', () => {
  const env = {
    AWS_ACCESS_KEY_ID: 'a',
    AWS_PROFILE: 'b',
    aws_session_token: 'c',
    AWSOME: 'd',
    PATH: 'e',
    MY_AWS_REGION: 'f',
  };
  expect(takeCloudIdentity(env)).toEqual({
    AWS_ACCESS_KEY_ID: 'a',
    AWS_PROFILE: 'b',
    aws_session_token: 'c',
  });
  expect(env).toEqual({ AWSOME: 'd', PATH: 'e', MY_AWS_REGION: 'f' });
});
