import { createPublicKey, webcrypto } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type RunnerCertificate, RunnerCertificateSchema } from '@planton/api/runner/v1/runner';
import { createKeyRequest } from '../keys/create-key-request.ts';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '../keys/x509.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

/** When a certificate is good; from an hour ago for seven days when absent. */
export interface Validity {
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export interface InstanceCertificateOptions extends Validity {
  readonly instanceUid: string;
  readonly generation: number;
  readonly renewAfterTime?: Date;
}

export interface GatewayCertificateOptions extends Validity {
  readonly hosts: readonly string[];
  /** `clientAuth` makes what no gateway may show. */
  readonly usage?: 'serverAuth' | 'clientAuth';
}

/** A certificate authority that issues what the gateway's own issues. */
export interface TestAuthority {
  readonly caBundle: string;
  /** @param key a public key in PEM, or a certificate request in PEM */
  issueInstance(key: string, options: InstanceCertificateOptions): Promise<RunnerCertificate>;
  issueGateway(options: GatewayCertificateOptions): Promise<{ readonly cert: string; readonly key: string }>;
}

/** Makes an authority. Its certificates are real: nothing that they are shown to needs to look away. */
export async function createTestAuthority(name = 'test authority'): Promise<TestAuthority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const root = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 365 * DAY_MS),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const issue = (
    subject: string,
    publicKey: Uint8Array<ArrayBuffer>,
    usage: ExtendedKeyUsage,
    names: ConstructorParameters<typeof SubjectAlternativeNameExtension>[0],
    { notBefore, notAfter }: Validity,
  ) =>
    X509CertificateGenerator.create({
      subject,
      issuer: root.subject,
      notBefore: notBefore ?? new Date(Date.now() - 3_600_000),
      notAfter: notAfter ?? new Date(Date.now() + 7 * DAY_MS),
      publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage]),
        new SubjectAlternativeNameExtension(names),
      ],
    });

  return {
    caBundle: root.toString('pem'),
    issueInstance: async (key, options) => {
      const { instanceUid, generation } = options;
      const uri = `urn:planton:runner-instance:${instanceUid}:${generation}`;
      const certificate = await issue(
        'CN=org.acme.runner.runner-1',
        publicKeyOf(key),
        ExtendedKeyUsage.clientAuth,
        [{ type: 'url', value: uri }],
        options,
      );
      return create(RunnerCertificateSchema, {
        certificate: certificate.toString('pem'),
        caBundle: root.toString('pem'),
        generation,
        expireTime: timestampFromDate(certificate.notAfter),
        renewAfterTime: timestampFromDate(options.renewAfterTime ?? new Date(Date.now() + 3 * DAY_MS)),
      });
    },
    issueGateway: async (options) => {
      const { privateKey, certificateRequest } = await createKeyRequest();
      const certificate = await issue(
        'CN=gateway',
        publicKeyOf(certificateRequest),
        ExtendedKeyUsage[options.usage ?? 'serverAuth'],
        options.hosts.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value })),
        options,
      );
      return { cert: certificate.toString('pem'), key: privateKey };
    },
  };
}

function publicKeyOf(pem: string): Uint8Array<ArrayBuffer> {
  if (pem.includes('CERTIFICATE REQUEST')) {
    const { publicKey } = new Pkcs10CertificateRequest(pem);
    return new Uint8Array(publicKey.rawData);
  }
  return new Uint8Array(createPublicKey(pem).export({ format: 'der', type: 'spki' }));
}

/** Whether a certificate request is signed by the key that it holds. */
export async function isSignedRequest(pem: string): Promise<boolean> {
  return new Pkcs10CertificateRequest(pem).verify();
}

/** The public key, in PEM, of a request or a private key. */
export function publicKeyPem(pem: string): string {
  const key = pem.includes('CERTIFICATE REQUEST')
    ? createPublicKey({ key: Buffer.from(publicKeyOf(pem)), format: 'der', type: 'spki' })
    : createPublicKey(pem);
  return key.export({ format: 'pem', type: 'spki' }).toString();
}
