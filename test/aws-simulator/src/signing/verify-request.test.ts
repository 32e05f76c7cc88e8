import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AwsError } from '../errors/aws-error.ts';
import { indexCredentials } from '../identities/index-credentials.ts';
import type { RawRequest } from '../requests/request.ts';
import {
  ACCOUNTS,
  CHINA_KEY,
  INACTIVE_KEY,
  KEY,
  NOW,
  signRequest,
  withHeader,
} from '../testing/sign-request.ts';
import { calculateSignature } from './calculate-signature.ts';
import { parseAuthorization } from './parse-authorization.ts';
import { verifyRequest } from './verify-request.ts';

const findCredential = indexCredentials(ACCOUNTS);
const minutes = (count: number, milliseconds = 0) => new Date(NOW.getTime() + count * 60_000 + milliseconds);

/** The ARN of the caller, or the code of the refusal. */
function verify(request: RawRequest, now = NOW): string {
  try {
    return verifyRequest(request, parseAuthorization(request), findCredential, ['sts'], now).arn;
  } catch (error) {
    if (error instanceof AwsError) return error.code;
    throw error;
  }
}

const DEPLOYER = 'arn:aws:iam::123456789012:user/deployer';

/** AWS's own published example, so that signer and verifier cannot be wrong together. */
test('calculates the signature of the published example', () => {
  const canonical = [
    'GET',
    '/',
    'Action=ListUsers&Version=2010-05-08',
    'content-type:application/x-www-form-urlencoded; charset=utf-8',
    'host:iam.amazonaws.com',
    'x-amz-date:20150830T123600Z',
    '',
    'content-type;host;x-amz-date',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  ].join('\n');
  const scope = { date: '20150830', region: 'us-east-1', service: 'iam', terminator: 'aws4_request' };
  const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
  expect(calculateSignature(secret, scope, '20150830T123600Z', canonical)).toBe(
    '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  );
});

describe('takes what the signer of the AWS SDK signs', () => {
  test.each([
    ['a POST', {}, undefined],
    ['a GET', { method: 'GET', query: { Action: 'GetCallerIdentity', Version: '2011-06-15' } }, undefined],
    ['another path', { path: '/a/b c/%7e' }, undefined],
    ['a presigned URL', { method: 'GET', query: { Action: 'GetCallerIdentity' } }, 60],
    ['a presigned URL with a signed header', { method: 'GET', headers: { 'x-k8s-aws-id': 'eks' } }, 60],
    ['a header with spaces', { headers: { 'x-amz-meta': '  a   b  ' } }, undefined],
  ])('%s', async (_, sent, expiresIn) => {
    expect(verify(await signRequest(sent, {}, expiresIn))).toBe(DEPLOYER);
  });

  test('any query and body', async () => {
    const words = fc.string({ maxLength: 20, unit: 'grapheme' });
    const queries = fc.dictionary(fc.stringMatching(/^q[A-Za-z0-9 +%&=*'()!~._-]{0,8}$/), words, {
      maxKeys: 4,
    });
    await fc.assert(
      fc.asyncProperty(queries, words, fc.constantFrom(undefined, 60), async (query, body, expiresIn) => {
        const sent = expiresIn === undefined ? { query, body } : { method: 'GET', query };
        expect(verify(await signRequest(sent, {}, expiresIn))).toBe(DEPLOYER);
      }),
    );
  });
});

describe('refuses', () => {
  test.each([
    ['an unknown key', { key: { ...KEY, accessKeyId: 'AKIAUNKNOWNNEXAMPLE0' } }, 'InvalidClientTokenId'],
    ['an inactive key', { key: INACTIVE_KEY }, 'InvalidClientTokenId'],
    ['a session token that nobody issued', { sessionToken: 'FwoGZXIvYXdzEXAMPLE' }, 'InvalidClientTokenId'],
    ['a key of another partition', { key: CHINA_KEY }, 'InvalidClientTokenId'],
    ['a key in another partition', { region: 'cn-north-1' }, 'InvalidClientTokenId'],
    [
      'a wrong secret key',
      { key: { ...KEY, secretAccessKey: INACTIVE_KEY.secretAccessKey } },
      'SignatureDoesNotMatch',
    ],
    ['another service', { service: 's3' }, 'SignatureDoesNotMatch'],
    ['a region that is none', { region: 'us-west-99' }, 'SignatureDoesNotMatch'],
  ])('%s', async (_, signing, code) => {
    expect(verify(await signRequest({}, signing))).toBe(code);
    expect(verify(await signRequest({ method: 'GET' }, signing, 60))).toBe(code);
  });

  test('a replay outside of five minutes, and takes it up to them', async () => {
    const request = await signRequest();
    expect(verify(request, minutes(5))).toBe(DEPLOYER);
    expect(verify(request, minutes(-5))).toBe(DEPLOYER);
    expect(verify(request, minutes(5, 1))).toBe('SignatureDoesNotMatch');
    expect(verify(request, minutes(-5, -1))).toBe('SignatureDoesNotMatch');
  });

  test('a presigned URL past its end, and past 15 minutes in any case', async () => {
    const short = await signRequest({ method: 'GET' }, {}, 60);
    expect(verify(short, minutes(1))).toBe(DEPLOYER);
    expect(verify(short, minutes(1, 1))).toBe('RequestExpired');
    expect(verify(short, minutes(-6))).toBe('SignatureDoesNotMatch');
    const long = await signRequest({ method: 'GET' }, {}, 604_800);
    expect(verify(long, minutes(15))).toBe(DEPLOYER);
    expect(verify(long, minutes(15, 1))).toBe('RequestExpired');
  });

  test('a date that does not exist', async () => {
    const request = withHeader(await signRequest(), 'x-amz-date', '20261341T250000Z');
    const authorization = { ...parseAuthorization(request) };
    const scope = { ...authorization.scope, date: '20261341' };
    expect(() =>
      verifyRequest(request, { ...authorization, scope }, findCredential, ['sts'], NOW),
    ).toThrowError(/ISO-8601/);
  });

  test.each(['host', 'x-amz-date'])('a signature that leaves %s out', async (name) => {
    const request = await signRequest();
    const authorization = parseAuthorization(request);
    const signedHeaders = authorization.signedHeaders.filter((each) => each !== name);
    expect(() =>
      verifyRequest(request, { ...authorization, signedHeaders }, findCredential, ['sts'], NOW),
    ).toThrowError(`'${name}' must be a 'SignedHeader' in the AWS Authorization.`);
  });

  test('a signed header that is gone, or is there twice', async () => {
    const request = await signRequest();
    const [host] = request.headers.filter(([name]) => name === 'host');
    if (host === undefined) throw new Error('the signer left host out');
    const gone = { ...request, headers: request.headers.filter((each) => each !== host) };
    expect(verify(gone)).toBe('SignatureDoesNotMatch');
    expect(verify({ ...request, headers: [...request.headers, host] })).toBe('SignatureDoesNotMatch');
  });

  test.each(['authorization', 'x-amz-date', 'x-amz-security-token'])('%s twice', async (name) => {
    const request = withHeader(await signRequest(), 'x-amz-security-token', 'token');
    const again = request.headers.filter(([each]) => each.toLowerCase() === name);
    expect(again).toHaveLength(1);
    expect(verify({ ...request, headers: [...request.headers, ...again] })).toBe('IncompleteSignature');
  });
});

describe('any altered byte breaks the signature', () => {
  const alterations = fc.record({ position: fc.nat(), byte: fc.integer({ min: 0x21, max: 0x7e }) });
  const runs = { numRuns: 300 };

  test('of method, target, body or a signed header, when a header holds the signature', async () => {
    const query = { Action: 'GetCallerIdentity', Note: 'a/b é' };
    const request = await signRequest({ query, headers: { 'x-amz-note': 'plain text' } });
    const { signedHeaders } = parseAuthorization(request);
    const parts = fc.constantFrom('method', 'target', 'body', ...signedHeaders);
    expect(verify(request)).toBe(DEPLOYER);
    fc.assert(
      fc.property(parts, alterations, (part, alteration) => {
        const altered = alterPart(request, part, alteration);
        fc.pre(altered !== undefined);
        expect(verify(altered)).not.toBe(DEPLOYER);
      }),
      runs,
    );
  });

  test('of method, target or host, when the query holds the signature', async () => {
    const query = { Action: 'GetCallerIdentity', Note: 'a/b é' };
    const request = await signRequest({ method: 'GET', query }, {}, 60);
    expect(verify(request)).toBe(DEPLOYER);
    fc.assert(
      fc.property(fc.constantFrom('method', 'target', 'host'), alterations, (part, alteration) => {
        const altered = alterPart(request, part, alteration);
        fc.pre(altered !== undefined);
        expect(verify(altered)).not.toBe(DEPLOYER);
      }),
      runs,
    );
  });

  type Alteration = { position: number; byte: number };

  /** Undefined when the alteration changes nothing, or only the case of an escape's digits, which means the same. */
  function alterPart(request: RawRequest, part: string, alteration: Alteration): RawRequest | undefined {
    const change = (text: string) => {
      const at = alteration.position % text.length;
      const changed = text.slice(0, at) + String.fromCharCode(alteration.byte) + text.slice(at + 1);
      return normalizeEscapes(changed) === normalizeEscapes(text) ? undefined : changed;
    };
    if (part === 'method' || part === 'target') {
      const changed = change(request[part]);
      return changed === undefined ? undefined : { ...request, [part]: changed };
    }
    if (part === 'body') {
      const changed = change(request.body.toString('latin1'));
      return changed === undefined ? undefined : { ...request, body: Buffer.from(changed, 'latin1') };
    }
    const value = request.headers.find(([name]) => name.toLowerCase() === part)?.[1] ?? '';
    const changed = change(value);
    return changed === undefined ? undefined : withHeader(request, part, changed);
  }

  function normalizeEscapes(text: string): string {
    return text.replace(/%[0-9a-fA-F]{2}/g, (each) => each.toUpperCase());
  }
});

describe('reads', () => {
  const refusals = [
    'MissingAuthenticationToken',
    'IncompleteSignature',
    'InvalidClientTokenId',
    'SignatureDoesNotMatch',
    'MalformedQueryString',
  ];

  test.each([
    ['', 'MissingAuthenticationToken'],
    ['   ', 'MissingAuthenticationToken'],
    ['Bearer abc', 'IncompleteSignature'],
    ['AWS4-HMAC-SHA256', 'IncompleteSignature'],
    ['AWS4-HMAC-SHA256 Credential=a/b/c/d', 'IncompleteSignature'],
    ['AWS4-HMAC-SHA256 Credential=a/20260301/us-west-2/sts/aws4_request/x', 'IncompleteSignature'],
    ['AWS4-ECDSA-P256-SHA256 Credential=a', 'IncompleteSignature'],
  ])('Authorization %j', async (header, code) => {
    expect(verify(withHeader(await signRequest(), 'authorization', header))).toBe(code);
  });

  test.each([
    [/Signature=.*/, 'Signature='],
    [/Signature=.*/, 'Signature=zz'],
    [/Signature=/, 'Signature=0'],
    [/SignedHeaders=[^,]*/, 'SignedHeaders='],
    [/SignedHeaders=[^,]*/, 'SignedHeaders=x-amz-date;host'],
    [/SignedHeaders=[^,]*/, 'SignedHeaders=host;host;x-amz-date'],
    [/SignedHeaders=[^,]*/, 'SignedHeaders=Host;x-amz-date'],
    [/SignedHeaders/, 'Signature'],
    [/Credential=[^,]*/, 'Credential=////'],
  ])('a mutilated header (%s → %s)', async (from, to) => {
    const request = await signRequest();
    const header = request.headers.find(([name]) => name === 'authorization')?.[1] ?? '';
    expect(verify(withHeader(request, 'authorization', header.replace(from, to)))).toBe(
      'IncompleteSignature',
    );
  });

  test('both a header and a query with a signature as neither', async () => {
    const request = withHeader(
      await signRequest({ method: 'GET' }, {}, 60),
      'authorization',
      'AWS4-HMAC-SHA256',
    );
    expect(verify(request)).toBe('IncompleteSignature');
  });

  test.each(['0', '604801', '-1', '1e3', ''])('X-Amz-Expires %j', async (expires) => {
    const request = await signRequest({ method: 'GET' }, {}, 60);
    const target = request.target.replace('X-Amz-Expires=60', `X-Amz-Expires=${expires}`);
    expect(verify({ ...request, target })).toBe('IncompleteSignature');
  });

  test('garbage, and always refuses it', () => {
    const text = fc.string({ maxLength: 200, unit: 'binary' });
    const headers = fc.array(
      fc.tuple(fc.constantFrom('authorization', 'x-amz-date', 'host', 'x-amz-security-token'), text),
    );
    const prefixed = text.map((each) => `AWS4-HMAC-SHA256 ${each}`);
    const requests = fc.record({
      method: text,
      target: fc.oneof(
        text,
        text.map((each) => `/?X-Amz-Algorithm=AWS4-HMAC-SHA256&${encodeURI(each.toWellFormed())}`),
      ),
      headers: fc
        .tuple(headers, prefixed)
        .map(([some, header]) => [...some, ['Authorization', header] as const]),
      body: fc.constant(Buffer.alloc(0)),
    });
    fc.assert(
      fc.property(requests, (request) => {
        expect(refusals).toContain(verify(request));
      }),
      { numRuns: 300 },
    );
  });
});
