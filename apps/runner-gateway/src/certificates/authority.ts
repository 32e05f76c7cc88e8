import type { webcrypto } from 'node:crypto';
import type { AuthorityKeyIdentifierExtension, Name } from './x509.ts';

/** Makes the certificates of both sides of the gateway's listener. */
export interface Authority {
  /** The certificates that are trusted, in PEM, one after the other. Usually one; more while an authority is replaced. */
  readonly caBundle: string;
  issueInstanceCertificate(request: InstanceCertificateRequest): Promise<InstanceCertificate>;
  issueGatewayCertificate(request: GatewayCertificateRequest): Promise<GatewayCertificate>;
}

export interface InstanceCertificateRequest {
  /** SubjectPublicKeyInfo, DER, as `checkCertificateRequest` returns it. */
  readonly publicKey: Uint8Array;
  readonly instanceUid: string;
  readonly generation: number;
  /** For people alone; nothing is decided by it. */
  readonly commonName: string;
  readonly now: Date;
}

/** Good for TLS clients, for 7 days. */
export interface InstanceCertificate {
  /** PEM. */
  readonly certificate: string;
  readonly expireTime: Date;
  /** Half of its life. */
  readonly renewAfterTime: Date;
}

export interface GatewayCertificateRequest {
  /** What runners dial: names or IP addresses, without a port. At least one. */
  readonly hosts: readonly string[];
  readonly now: Date;
}

/** Good for TLS servers, for 30 days. Its key is new and is stored nowhere. */
export interface GatewayCertificate {
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  readonly expireTime: Date;
}

/** The authority that signs now. */
export interface Signer {
  readonly name: Name;
  readonly keyIdentifier: AuthorityKeyIdentifierExtension;
  readonly privateKey: webcrypto.CryptoKey;
}

/** The keys of every certificate here, and the signature over it. */
export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Certificates hold whole seconds. */
export function wholeSeconds(time: Date, offsetSeconds: number): Date {
  return new Date((Math.floor(time.getTime() / 1000) + offsetSeconds) * 1000);
}
