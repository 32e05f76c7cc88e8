import { KeyObject, webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from './x509.ts';

/** A new key with the request that makes a certificate of it. */
export interface KeyRequest {
  /** PKCS #8 in PEM. It stays where it was made. */
  readonly privateKey: string;
  /** PKCS #10 in PEM. Of its content only the key is used. */
  readonly certificateRequest: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Makes an ECDSA key on P-256 and signs a certificate request with it. */
export async function createKeyRequest(): Promise<KeyRequest> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=planton runner',
    keys,
    signingAlgorithm: algorithm,
  });
  return {
    privateKey: KeyObject.from(keys.privateKey).export({ format: 'pem', type: 'pkcs8' }).toString(),
    certificateRequest: `${request.toString('pem')}\n`,
  };
}
