import '../x509.ts';
import { generateKeyPairSync, type KeyObject, sign, webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';

/** A key that was made where it runs, and the request that asks for its certificate. */
export interface TestRequest {
  /** PEM. */
  readonly request: string;
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
}

/** Makes a P-256 key and a PKCS #10 request for it, as a runner does. */
export async function makeRequest(subject = 'CN=somebody'): Promise<TestRequest> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const keys = {
    privateKey: await webcrypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), algorithm, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', new Uint8Array(spki), algorithm, true, ['verify']),
  };
  const made = await Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  return { request: made.toString('pem'), privateKey, publicKey: spki };
}

/** Signs like a runner that recovers. */
export function signRecovery(privateKey: KeyObject, nonce: Uint8Array): Buffer {
  return sign('sha256', Buffer.concat([Buffer.from('planton/runner-recovery/v1\0'), nonce]), privateKey);
}
