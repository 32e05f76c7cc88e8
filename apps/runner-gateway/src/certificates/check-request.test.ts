import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DomainError } from '@planton/rpc';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkCertificateRequest } from './check-request.ts';
import { makeRequest } from './testing/make-request.ts';

const toPem = (der: Uint8Array, label = 'CERTIFICATE REQUEST') =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;
const toDer = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');

async function refused(text: string): Promise<DomainError> {
  const error = await checkCertificateRequest(text).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DomainError);
  expect(error).toMatchObject({ kind: 'invalid', reason: 'CERTIFICATE_REQUEST_INVALID' });
  return error as DomainError;
}

describe('a certificate request', () => {
  let folder: string;
  /** As OpenSSL makes it. */
  const openssl = (...flags: string[]) => {
    const out = join(folder, 'request.pem');
    execFileSync(
      'openssl',
      ['req', '-new', '-nodes', '-keyout', join(folder, 'key.pem'), '-subj', '/CN=x', '-out', out, ...flags],
      { stdio: 'pipe' },
    );
    return readFileSync(out, 'utf8');
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'request-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('gives its key', async () => {
    const { request, publicKey } = await makeRequest();
    expect((await checkCertificateRequest(request)).equals(publicKey)).toBe(true);
    expect((await checkCertificateRequest(`\r\n${request.replaceAll('\n', '\r\n')}`)).equals(publicKey)).toBe(
      true,
    );
  });

  test('is accepted from OpenSSL, whatever else it asks for', async () => {
    const flags = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    expect(await checkCertificateRequest(openssl(...flags))).toHaveLength(91);
    const greedy = openssl(
      ...flags,
      '-addext',
      'basicConstraints=critical,CA:TRUE',
      '-addext',
      'subjectAltName=DNS:evil',
    );
    expect(await checkCertificateRequest(greedy)).toHaveLength(91);
  });

  test.each([
    ['RSA', ['-newkey', 'rsa:2048'], 'P-256'],
    ['P-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], 'P-256'],
    ['secp256k1', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'], 'P-256'],
    ['Ed25519', ['-newkey', 'ed25519'], 'P-256'],
    [
      'a curve spelled out',
      ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-pkeyopt', 'ec_param_enc:explicit'],
      'P-256',
    ],
    ['SHA-1', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-sha1'], 'SHA-256'],
    ['SHA-512', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-sha512'], 'SHA-256'],
  ])('is refused with %s', async (_, flags, why) => {
    expect((await refused(openssl(...flags))).message).toContain(why);
  });

  test('is refused where its signature was made by another key', async () => {
    const [one, two] = [await makeRequest(), await makeRequest()];
    const [der, other] = [toDer(one.request), two.publicKey];
    const place = der.indexOf(one.publicKey);
    expect(place).toBeGreaterThan(0);
    const swapped = Buffer.concat([der.subarray(0, place), other, der.subarray(place + other.length)]);
    expect((await refused(toPem(swapped))).message).toContain('signature');
  });

  test('is refused where a bit of what was signed is flipped', async () => {
    const { request, publicKey } = await makeRequest('CN=someone');
    const der = toDer(request);
    const signedEnd = der.indexOf(publicKey) + publicKey.length;
    for (let at = 4; at < signedEnd; at += 3) {
      const flipped = Buffer.from(der);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      await refused(toPem(flipped));
    }
  });

  test('is refused with a point that is not on the curve', async () => {
    const { request, publicKey } = await makeRequest();
    const der = toDer(request);
    const end = der.indexOf(publicKey) + publicKey.length;
    der.fill(7, end - 64, end);
    await refused(toPem(der));
  });

  test.each([
    ['nothing', ''],
    ['no PEM', 'hello'],
    ['a header alone', '-----BEGIN CERTIFICATE REQUEST-----'],
    ['an empty block', toPem(Buffer.alloc(0))],
    ['zeros', toPem(Buffer.alloc(200))],
    ['indefinite lengths, nested deep', toPem(Buffer.alloc(6_000, Buffer.from([0x30, 0x80])))],
    ['a length beyond its end', toPem(Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]))],
    ['not base64', '-----BEGIN CERTIFICATE REQUEST-----\n%%%%\n-----END CERTIFICATE REQUEST-----'],
    [
      'headers',
      '-----BEGIN CERTIFICATE REQUEST-----\nProc-Type: 4\n\nAAAA\n-----END CERTIFICATE REQUEST-----',
    ],
    ['too much', toPem(Buffer.alloc(8_192))],
  ])('is refused where it is %s', async (_, text) => {
    await refused(text);
  });

  test('is one block, and of its kind', async () => {
    const { request } = await makeRequest();
    await refused(`${request}\n${request}`);
    await refused(toPem(toDer(request), 'CERTIFICATE'));
    await refused(toPem(toDer(request).subarray(0, -20)));
  });

  test('never fails in another way, whatever the bytes are', async () => {
    const { request } = await makeRequest();
    const der = toDer(request);
    const damage = fc.array(fc.tuple(fc.nat(der.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const damaged = Buffer.from(der);
        for (const [at, byte] of changes) damaged[at] = byte;
        if (damaged.equals(der)) return;
        const outcome = await checkCertificateRequest(toPem(damaged)).catch((error: unknown) => error);
        if (!Buffer.isBuffer(outcome))
          expect(outcome).toMatchObject({ reason: 'CERTIFICATE_REQUEST_INVALID' });
      }),
      { numRuns: 200 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        await refused(toPem(bytes));
      }),
      { numRuns: 200 },
    );
  });
});
