import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import { internal } from '../errors/domain-error.ts';

/** What the TLS handshake proved about the other side. */
export interface PeerCertificate {
  /** As `X509Certificate.subjectAltName` writes it, such as `URI:urn:…`; empty where the certificate has none. */
  readonly subjectAltName: string;
  /** When the certificate begins to be good, in milliseconds since the epoch. */
  readonly notBefore: number;
  /** When it ends. A connection outlives it. */
  readonly notAfter: number;
}

/** The connection that a request came over. */
export interface TlsConnection {
  readonly certificate: PeerCertificate;
  /** Ends the connection at once, with every stream on it and whatever is on its way. */
  cut(): void;
}

export const tlsConnectionKey = createContextKey<TlsConnection | undefined>(undefined, {
  description: 'TLS connection',
});

/** The verified certificate of an RPC that needs one. It is the whole identity of the caller: no token is looked at. */
export function peerCertificateOf(context: HandlerContext): PeerCertificate {
  return tlsConnectionOf(context).certificate;
}

/** The connection of an RPC that needs a client certificate. */
export function tlsConnectionOf(context: HandlerContext): TlsConnection {
  const connection = context.values.get(tlsConnectionKey);
  if (!connection)
    throw internal('NO_CERTIFICATE', `${context.method.name} was reached without a certificate`);
  return connection;
}
