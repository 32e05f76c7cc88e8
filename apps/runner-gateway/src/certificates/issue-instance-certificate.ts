import {
  ALGORITHM,
  type InstanceCertificate,
  type InstanceCertificateRequest,
  type Signer,
  wholeSeconds,
} from './authority.ts';
import { formatInstanceName } from './instance-name.ts';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from './x509.ts';

const LIFETIME_SECONDS = 7 * 24 * 3600;
/** The clocks of replicas differ. */
const BACKDATED_SECONDS = 300;

/** Signs what names an instance. It is good for TLS clients alone. */
export async function issueInstanceCertificate(
  signer: Signer,
  { publicKey, instanceUid, generation, commonName, now }: InstanceCertificateRequest,
): Promise<InstanceCertificate> {
  const expireTime = wholeSeconds(now, LIFETIME_SECONDS);
  const key = new Uint8Array(publicKey);
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [commonName] }],
    issuer: signer.name,
    notBefore: wholeSeconds(now, -BACKDATED_SECONDS),
    notAfter: expireTime,
    publicKey: key,
    signingKey: signer.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([
        { type: 'url', value: formatInstanceName(instanceUid, generation) },
      ]),
      await SubjectKeyIdentifierExtension.create(key),
      signer.keyIdentifier,
    ],
  });
  return {
    certificate: `${certificate.toString('pem')}\n`,
    expireTime,
    renewAfterTime: wholeSeconds(now, LIFETIME_SECONDS / 2),
  };
}
