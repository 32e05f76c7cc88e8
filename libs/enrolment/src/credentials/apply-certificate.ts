import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { RunnerCertificate } from '@planton/api/runner/v1/runner';
import { EnrolmentError } from '../errors/enrolment-error.ts';
import { unusableAnswer } from '../errors/unusable-answer.ts';
import type { RunnerCredentials } from './credentials.ts';

/** Characters of a bundle of authorities. */
const LONGEST_BUNDLE = 128 * 1024;
const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/**
 * The credentials with another certificate: the next one, for the key that they have.
 *
 * @throws EnrolmentError `ANSWER_UNUSABLE` for a certificate of another key, or one that cannot be read
 */
export function applyCertificate(
  credentials: RunnerCredentials,
  answered: RunnerCertificate | undefined,
): RunnerCredentials {
  if (!answered) throw unusableAnswer('it holds no certificate');
  const { certificate, caBundle, generation, expireTime, renewAfterTime } = answered;
  if (!expireTime || !renewAfterTime) throw unusableAnswer('the certificate has no end');
  if (!Number.isInteger(generation) || generation < 1)
    throw unusableAnswer('the certificate has no generation');
  if (!parse(certificate).checkPrivateKey(readPrivateKey(credentials.privateKey)))
    throw unusableAnswer('the certificate is for another key');
  const authorities = caBundle.length > LONGEST_BUNDLE ? [] : (caBundle.match(BLOCK) ?? []);
  if (authorities.length === 0 || !authorities.map(parse).every(({ ca }) => ca))
    throw unusableAnswer('it names no certificate authority');
  return {
    ...credentials,
    certificate,
    caBundle,
    generation,
    expireTime: timestampDate(expireTime).toISOString(),
    renewAfterTime: timestampDate(renewAfterTime).toISOString(),
  };
}

/**
 * The key of credentials.
 *
 * @throws EnrolmentError `CREDENTIALS_DAMAGED`
 */
export function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // The cause may quote the key.
    throw new EnrolmentError(
      'file',
      'CREDENTIALS_DAMAGED',
      'the private key of the credentials cannot be read',
      {
        hint: 'make new credentials with: planton runner register --name NAME --yes',
      },
    );
  }
}

function parse(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw unusableAnswer('its certificate cannot be read');
  }
}
