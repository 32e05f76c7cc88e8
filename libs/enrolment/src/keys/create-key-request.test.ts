import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { isSignedRequest, publicKeyPem } from '../testing/test-authority.ts';
import { createKeyRequest } from './create-key-request.ts';

test('makes an ECDSA key on P-256 and a request that it signed', async () => {
  const { privateKey, certificateRequest } = await createKeyRequest();
  const key = createPrivateKey(privateKey);
  expect(privateKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  expect(key.asymmetricKeyType).toBe('ec');
  expect(key.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  expect(await isSignedRequest(certificateRequest)).toBe(true);
  expect(publicKeyPem(certificateRequest)).toBe(
    createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString(),
  );
});

test('every key is new, and the request does not hold it', async () => {
  const [one, other] = await Promise.all([createKeyRequest(), createKeyRequest()]);
  expect(one.privateKey).not.toBe(other.privateKey);
  expect(one.certificateRequest).not.toContain('PRIVATE KEY');
});
