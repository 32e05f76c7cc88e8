import { createPublicKey } from 'node:crypto';
import { invalid } from '@planton/rpc';
import { Pkcs10CertificateRequest } from './x509.ts';

/** Characters. A request with a P-256 key has about 450. */
const LONGEST_REQUEST = 8_192;

const HEADER = '-----BEGIN CERTIFICATE REQUEST-----';
const FOOTER = '-----END CERTIFICATE REQUEST-----';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** SubjectPublicKeyInfo of an uncompressed point on the named curve P-256: this, and the two coordinates. */
const P256_HEAD = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const P256_LENGTH = P256_HEAD.length + 64;

/**
 * Checks a PKCS #10 certificate request: that it is one, that its key is on P-256, and that whoever made it has the private key. All
 * else that it asks for is ignored.
 *
 * @param text PEM, at most 8 KB
 * @returns the key as SubjectPublicKeyInfo in DER, 91 bytes
 * @throws `CERTIFICATE_REQUEST_INVALID`
 */
export async function checkCertificateRequest(text: string): Promise<Buffer> {
  const request = parseRequest(decodePem(text));
  const publicKey = publicKeyOf(request);
  if (!(await isSigned(request))) {
    throw requestInvalid('its signature is not ECDSA with SHA-256 by the key that it holds');
  }
  return publicKey;
}

function decodePem(text: string): Buffer {
  if (text.length > LONGEST_REQUEST) throw requestInvalid(`it is longer than ${LONGEST_REQUEST} characters`);
  const trimmed = text.trim();
  if (!trimmed.startsWith(HEADER) || !trimmed.endsWith(FOOTER)) {
    throw requestInvalid(`it has to be one block from ${HEADER} to ${FOOTER}`);
  }
  const body = trimmed.slice(HEADER.length, -FOOTER.length).replace(/\s/g, '');
  if (!BASE64.test(body)) throw requestInvalid('what is between its first and last line is not base64');
  return Buffer.from(body, 'base64');
}

function parseRequest(der: Buffer): Pkcs10CertificateRequest {
  try {
    return new Pkcs10CertificateRequest(der);
  } catch {
    // Whatever a parser says about hostile bytes, the caller is told the same.
    throw requestInvalid('it is not a PKCS #10 certificate request');
  }
}

/** One form for one key. OpenSSL checks that the point is on the curve. */
function publicKeyOf(request: Pkcs10CertificateRequest): Buffer {
  try {
    const key = Buffer.from(request.publicKey.rawData);
    const isP256 = key.length === P256_LENGTH && key.subarray(0, P256_HEAD.length).equals(P256_HEAD);
    if (isP256 && createPublicKey({ key, format: 'der', type: 'spki' })) return key;
  } catch {
    // As above.
  }
  throw requestInvalid('its key is not an ECDSA key on P-256, with a named curve and an uncompressed point');
}

async function isSigned(request: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    const algorithm: { readonly name?: string; readonly hash?: { readonly name: string } } =
      request.signatureAlgorithm;
    return algorithm.name === 'ECDSA' && algorithm.hash?.name === 'SHA-256' && (await request.verify());
  } catch {
    return false;
  }
}

function requestInvalid(why: string) {
  return invalid('CERTIFICATE_REQUEST_INVALID', `certificate_request: ${why}`, {
    hint: 'openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -subj /CN=runner -out request.pem',
    violations: [{ field: 'certificate_request', message: why }],
  });
}
