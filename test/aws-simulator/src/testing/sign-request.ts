import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AccessKey, Account } from '../identities/identity.ts';
import type { RawRequest } from '../requests/request.ts';

export const NOW = new Date('2026-03-01T12:00:00Z');
export const HOST = '127.0.0.1:4566';
export const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';

export const KEY: AccessKey = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
export const INACTIVE_KEY: AccessKey = {
  accessKeyId: 'AKIAI44QH8DHBEXAMPLE',
  secretAccessKey: 'je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY',
  status: 'Inactive',
};
export const CHINA_KEY: AccessKey = {
  accessKeyId: 'AKIACHINAZZZZEXAMPLE',
  secretAccessKey: 'aaaarXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
export const ACCOUNTS: readonly Account[] = [
  { id: '123456789012', users: [{ name: 'deployer', accessKeys: [KEY, INACTIVE_KEY] }] },
  { id: '210987654321', partition: 'aws-cn', users: [{ name: 'li', accessKeys: [CHINA_KEY] }] },
];

export interface Signing {
  readonly key?: Pick<AccessKey, 'accessKeyId' | 'secretAccessKey'>;
  readonly sessionToken?: string;
  readonly region?: string;
  readonly service?: string;
  readonly time?: Date;
}

export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly host?: string;
}

/** Signs a request with the signer of the AWS SDK, as a header or, with `expiresIn` in seconds, as a presigned URL. */
export async function signRequest(
  sent: Sent = {},
  signing: Signing = {},
  expiresIn?: number,
): Promise<RawRequest> {
  const { accessKeyId, secretAccessKey } = signing.key ?? KEY;
  const signer = new SignatureV4({
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(signing.sessionToken !== undefined && { sessionToken: signing.sessionToken }),
    },
    region: signing.region ?? 'us-west-2',
    service: signing.service ?? 'sts',
    sha256: Sha256,
  });
  const method = sent.method ?? 'POST';
  const body = sent.body ?? (method === 'POST' ? BODY : '');
  const request = {
    method,
    protocol: 'http:',
    hostname: '127.0.0.1',
    path: sent.path ?? '/',
    query: { ...sent.query },
    headers: {
      host: sent.host ?? HOST,
      ...(method === 'POST' && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...sent.headers,
    },
    ...(body !== '' && { body }),
  };
  const signingDate = signing.time ?? NOW;
  const signed =
    expiresIn === undefined
      ? await signer.sign(request, { signingDate })
      : await signer.presign(request, { signingDate, expiresIn });
  return {
    method,
    target: formatTarget(signed.path, signed.query ?? {}),
    headers: Object.entries(signed.headers),
    body: Buffer.from(body),
  };
}

/** Replaces the values of a header, or adds it. */
export function withHeader(request: RawRequest, name: string, value: string): RawRequest {
  const others = request.headers.filter(([each]) => each.toLowerCase() !== name);
  return { ...request, headers: [...others, [name, value]] };
}

function formatTarget(
  path: string,
  query: Readonly<Record<string, string | readonly string[] | null>>,
): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(String(value))}`);
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The hash that the signer asks for, keyed or not. */
class Sha256 {
  #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', toBytes(secret));
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

function toBytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
