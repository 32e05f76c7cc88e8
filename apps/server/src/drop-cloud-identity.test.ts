import { expect, test } from 'vitest';
import { dropCloudIdentity } from './drop-cloud-identity.ts';

test('every AWS variable goes, and nothing else', () => {
  const env = {
    AWS_ACCESS_KEY_ID: 'a',
    AWS_PROFILE: 'b',
    aws_session_token: 'c',
    AWSOME: 'd',
    PATH: 'e',
    MY_AWS_REGION: 'f',
  };
  dropCloudIdentity(env);
  expect(env).toEqual({ AWSOME: 'd', PATH: 'e', MY_AWS_REGION: 'f' });
});
