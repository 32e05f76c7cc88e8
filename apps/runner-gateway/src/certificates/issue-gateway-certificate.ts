import { createPrivateKey, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  ALGORITHM,
  type GatewayCertificate,
  type GatewayCertificateRequest,
  type Signer,
  wholeSeconds,
} from './authority.ts';
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

const LIFETIME_SECONDS = 30 * 24 * 3600;
/** A runner whose clock is slow still accepts a gateway that has just started. The key is new, so this gives nothing away. */
const BACKDATED_SECONDS = 24 * 3600;

/** Makes a key and signs what a replica shows to runners. It is good for TLS servers alone. */
export async function issueGatewayCertificate(
  signer: Signer,
  { hosts, now }: GatewayCertificateRequest,
): Promise<GatewayCertificate> {
  if (hosts.length === 0) throw new RangeError('a gateway certificate needs a host');
  const expireTime = wholeSeconds(now, LIFETIME_SECONDS);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: ['planton runner gateway'] }],
    issuer: signer.name,
    notBefore: wholeSeconds(now, -BACKDATED_SECONDS),
    notAfter: expireTime,
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      signer.keyIdentifier,
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  pkcs8.fill(0);
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    expireTime,
  };
}
