import { describe, expect, test } from 'vitest';
import { readServerSettings } from './read-settings.ts';
import { SettingsRefused } from './settings-refused.ts';

const home = { HOME: '/home/ada' };

describe('what stands between the network and the services', () => {
  test('is read from flags and the environment', () => {
    const argv = ['--rate-limit-per-key', '0', '--trusted-proxies', '10.0.0.0/8, ::1'];
    const env = {
      ...home,
      PLANTON_RATE_LIMIT_PER_ORG: '50',
      PLANTON_CORS_ORIGINS: 'https://console.example.com,http://localhost:5173',
    };
    expect(readServerSettings(argv, env).edge).toEqual({
      rates: { perKey: 0, perOrganization: 50, perAddress: 50 },
      trustedProxies: ['10.0.0.0/8', '::1'],
      corsOrigins: ['https://console.example.com', 'http://localhost:5173'],
    });
  });

  test.each([
    ['--rate-limit-per-key', 'many'],
    ['--rate-limit-per-key', '-1'],
    ['--rate-limit-per-org', '1.5'],
    ['--rate-limit-per-address', '9999999'],
    ['--trusted-proxies', 'proxy.example.com'],
    ['--trusted-proxies', '10.0.0.0/33'],
    ['--trusted-proxies', '10'],
    ['--trusted-proxies', '10.0.0.0/'],
    ['--cors-origins', '*'],
    ['--cors-origins', 'null'],
    ['--cors-origins', 'https://*.example.com/'],
    ['--cors-origins', 'https://console.example.com/'],
    ['--cors-origins', 'https://Console.example.com'],
    ['--cors-origins', 'https://console.example.com:443'],
    ['--cors-origins', 'file:///tmp'],
    ['--cors-origins', 'console.example.com'],
  ])('%s %s is refused', (flag, text) => {
    expect(() => readServerSettings([flag, text], home)).toThrow(SettingsRefused);
  });
});
