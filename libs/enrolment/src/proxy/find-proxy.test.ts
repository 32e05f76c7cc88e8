import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findProxy } from './find-proxy.ts';

const target = (host: string, port = 8443, tls = true) => ({ host, port, tls });
const proxied = (host: string, noProxy: string, port = 8443) =>
  findProxy(target(host, port), { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: noProxy }) !== undefined;

describe('which variable counts', () => {
  test.each([
    [{ HTTPS_PROXY: 'http://a:1' }, true, 'http://a:1/'],
    [{ https_proxy: 'http://b:1', HTTPS_PROXY: 'http://a:1' }, true, 'http://b:1/'],
    [{ HTTP_PROXY: 'http://a:1' }, true, undefined],
    [{ HTTP_PROXY: 'http://a:1' }, false, 'http://a:1/'],
    [{ HTTPS_PROXY: 'http://a:1' }, false, undefined],
    [{ HTTPS_PROXY: '' }, true, undefined],
    [
      { HTTPS_PROXY: 'https://user:p%40ss@proxy.example.com' },
      true,
      'https://user:p%40ss@proxy.example.com/',
    ],
    [{ HTTPS_PROXY: 'proxy.example.com:3128' }, true, 'http://proxy.example.com:3128/'],
    [{}, true, undefined],
  ])('%j with TLS %j: %s', (env, tls, expected) => {
    expect(findProxy(target('example.com', 443, tls), env)?.href).toBe(expected);
  });

  test.each(['socks5://user:secret@proxy:1080', 'http://', 'http://user:secret@[proxy'])(
    'refuses %j without quoting it',
    (HTTPS_PROXY) => {
      expect(() => findProxy(target('example.com'), { HTTPS_PROXY })).toThrow(
        /^HTTPS_PROXY is not an http or https URL of a proxy$/,
      );
    },
  );
});

describe('NO_PROXY', () => {
  test.each([
    ['*', 'example.com'],
    ['example.com', 'example.com'],
    ['example.com', 'EXAMPLE.com.'],
    ['example.com', 'gateway.example.com'],
    ['.example.com', 'gateway.example.com'],
    ['.example.com', 'example.com'],
    ['*.example.com', 'gateway.example.com'],
    ['other, example.com', 'example.com'],
    ['other example.com', 'example.com'],
    ['example.com:8443', 'example.com'],
    ['127.0.0.1', '127.0.0.1'],
    ['10.0.0.0/8', '10.1.2.3'],
    ['10.0.0.0/8:8443', '10.1.2.3'],
    ['::1', '[::1]'],
    ['[::1]', '::1'],
    ['[::1]:8443', '[::1]'],
    ['fd00::/8', '[fd12::1]'],
  ])('%s exempts %s', (list, host) => {
    expect(proxied(host, list)).toBe(false);
  });

  test.each([
    ['', 'example.com'],
    ['example.com', 'badexample.com'],
    ['.example.com', 'badexample.com'],
    ['example.com', 'example.com.evil.net'],
    ['example.com:443', 'example.com'],
    ['10.0.0.0/8', '11.1.2.3'],
    ['10.0.0.0/8', 'ten.example.com'],
    ['10.0.0.0/99', '10.1.2.3'],
    ['10.0.0.0/', '10.1.2.3'],
    ['1.1', '10.1.1.1'],
    ['fd00::/8', '10.1.2.3'],
    ['.', 'example.com'],
    [',,', 'example.com'],
  ])('%j does not exempt %s', (list, host) => {
    expect(proxied(host, list)).toBe(true);
  });

  test('takes any text, and a host that it names is never proxied', () => {
    fc.assert(
      fc.property(
        fc.domain(),
        fc.array(fc.string()),
        fc.integer({ min: 1, max: 65_535 }),
        (host, noise, port) => {
          expect(proxied(host, [...noise, host].join(','), port)).toBe(false);
          expect(proxied(host, [...noise, `${host}:${port}`].join(','), port)).toBe(false);
        },
      ),
    );
  });

  test('a network exempts what is in it', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (address, bits) => {
        expect(proxied(address, `${address}/${bits}`)).toBe(false);
      }),
    );
  });
});
