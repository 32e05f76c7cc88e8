import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAddressReader } from './client-address.ts';
import type { HttpRequest } from './http-route.ts';

const request = (remoteAddress: string | undefined, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as HttpRequest;

describe('the address of a client', () => {
  test('is that of the connection while no proxy is trusted, whatever is said', () => {
    const read = createAddressReader([]);
    expect(read(request('192.0.2.1', '203.0.113.9'))).toBe('192.0.2.1');
    expect(read(request('::ffff:192.0.2.1'))).toBe('192.0.2.1');
    expect(read(request(undefined))).toBe('');
  });

  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9, 10.1.2.3', '203.0.113.9'],
    // What the client itself has sent stands to the left of what the first trusted proxy adds.
    ['198.51.100.7, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['203.0.113.9:51000', '203.0.113.9'],
    ['[2001:db8::1]:51000', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['10.1.2.3', '10.1.2.3'],
    ['', '10.0.0.1'],
    ['unknown', '10.0.0.1'],
    ['203.0.113.9, _hidden', '10.0.0.1'],
    ['203.0.113.9, <script>', '10.0.0.1'],
    ['1, 0x7f.1', '10.0.0.1'],
  ])('behind a trusted proxy that says %j is %s', (forwarded, expected) => {
    expect(createAddressReader(['10.0.0.0/8'])(request('10.0.0.1', forwarded))).toBe(expected);
  });

  test('is that of a proxy that is not trusted', () => {
    expect(createAddressReader(['10.0.0.0/8'])(request('192.0.2.1', '203.0.113.9'))).toBe('192.0.2.1');
  });

  test('cannot be chosen by what a client sends itself', () => {
    const read = createAddressReader(['10.0.0.1']);
    fc.assert(
      fc.property(
        fc.string(),
        fc.ipV4().filter((address) => address !== '10.0.0.1'),
        (sent, client) => {
          expect(read(request('10.0.0.1', `${sent}, ${client}`))).toBe(client);
        },
      ),
    );
  });

  test('is an address or nothing, whatever is said', () => {
    const read = createAddressReader(['10.0.0.0/8', 'fd00::/8']);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.,[] %x') }), (said) => {
        expect(read(request('10.0.0.1', said))).toMatch(/^[0-9a-f.:]+$/);
      }),
    );
  });
});
