import { X509Certificate } from 'node:crypto';
import type { RunnerCredentials } from '@planton/enrolment';
import { expect } from 'vitest';
import { forgeWith, type KeyPair, makeAuthority } from './run-openssl.ts';

/** The extensions of an instance's certificate, as the platform writes them. */
const instanceExtensions = (uid: string, generation = 1) => [
  'basicConstraints=critical,CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'extendedKeyUsage=clientAuth',
  `subjectAltName=URI:urn:planton:runner-instance:${uid}:${generation}`,
];

/** How a certificate can look right that the authority did not sign. */
export const forgeries = [
  'of an authority of its own',
  'of an authority that calls itself the same',
  'that an instance signed with its own',
  'signed by itself',
] as const;

/**
 * Makes a certificate that names an instance, and that the authority did not sign.
 *
 * @param good the real one, whose owner may help
 * @param victimUid another instance, whose name its owner may be after
 */
export async function forgeCertificate(
  kind: (typeof forgeries)[number],
  good: RunnerCredentials,
  victimUid: string,
): Promise<KeyPair> {
  const real = new X509Certificate(good.certificate);
  const authority = new X509Certificate(good.caBundle);
  const named = instanceExtensions(good.instanceUid);
  const subject = `/${new X509Certificate(good.certificate).subject}`;
  switch (kind) {
    case 'of an authority of its own': {
      const foreign = await makeAuthority('/CN=evil');
      const { cert, key } = await foreign.issue(subject, named);
      return { cert: cert + foreign.chain, key };
    }
    case 'of an authority that calls itself the same': {
      const [line] = authority.subject.split('\n');
      const foreign = await makeAuthority(`/${line}`);
      const { cert, key } = await foreign.issue(subject, named);
      expect(new X509Certificate(cert).issuer).toBe(real.issuer);
      return { cert: cert + foreign.chain, key };
    }
    case 'that an instance signed with its own': {
      const impostor = forgeWith({ cert: good.certificate, key: good.privateKey });
      const { cert, key } = await impostor.issue(subject, instanceExtensions(victimUid));
      return { cert: cert + good.certificate, key };
    }
    case 'signed by itself': {
      const { cert, key } = await makeAuthority(subject);
      return { cert, key };
    }
  }
}
