import { webcrypto } from 'node:crypto';
import { ALGORITHM, type Signer, wholeSeconds } from './authority.ts';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from './x509.ts';

const LIFETIME_SECONDS = 3653 * 24 * 3600;
/** A runner whose clock is slow still trusts an authority that has just been made. */
const BACKDATED_SECONDS = 24 * 3600;

/** A certificate authority that is new. */
export interface MadeAuthority {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8, DER. The caller overwrites it after use. */
  readonly privateKey: Buffer;
  readonly expireTime: Date;
}

/** Makes an authority for 10 years that signs certificates of instances and gateways, and no other authority. */
export async function makeAuthority({
  uid,
  now,
}: {
  readonly uid: string;
  readonly now: Date;
}): Promise<MadeAuthority> {
  const expireTime = wholeSeconds(now, LIFETIME_SECONDS);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // Two authorities that are trusted at once need different names.
    name: [{ CN: [`planton runner authority ${uid}`] }],
    notBefore: wholeSeconds(now, -BACKDATED_SECONDS),
    notAfter: expireTime,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    certificate: `${certificate.toString('pem')}\n`,
    privateKey: Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)),
    expireTime,
  };
}

/** Makes a stored authority ready to sign. Its key cannot be read back out. Overwrites `privateKey`. */
export async function openSigner(certificate: string, privateKey: Buffer): Promise<Signer> {
  const parsed = new X509Certificate(certificate);
  try {
    return {
      name: parsed.subjectName,
      keyIdentifier: await AuthorityKeyIdentifierExtension.create(parsed.publicKey),
      privateKey: await webcrypto.subtle.importKey('pkcs8', new Uint8Array(privateKey), ALGORITHM, false, [
        'sign',
      ]),
    };
  } finally {
    privateKey.fill(0);
  }
}
