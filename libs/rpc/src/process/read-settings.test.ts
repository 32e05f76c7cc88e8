import { describe, expect, test } from 'vitest';
import { readServerSettings, SettingsRefused } from './read-settings.ts';
import { readServiceKey, readServiceUrl } from './service-settings.ts';

const home = { HOME: '/home/ada' };

describe('settings of a server', () => {
  test('have defaults', () => {
    expect(readServerSettings(['--data-dir', '/data'], home)).toEqual({
      listen: '127.0.0.1:8080',
      publicUrl: 'http://127.0.0.1:8080',
      publicUrlGiven: false,
      runnerListen: '127.0.0.1:8443',
      runnerPublicAddress: '127.0.0.1:8443',
      dataDir: '/data',
      masterKeySource: 'file:/data/master.key',
      auditKeySource: 'file:/data/audit-signing.key',
      auditKeySourceGiven: false,
      auditPreviousKeys: [],
      auditSinks: [],
      edge: {
        rates: { perKey: 200, perOrganization: 1000, perAddress: 50 },
        trustedProxies: [],
        corsOrigins: [],
      },
      logLevel: 'info',
    });
  });

  test('come from the environment, and flags win', () => {
    const env = {
      ...home,
      PLANTON_LISTEN: '127.0.0.1:1',
      PLANTON_DATA_DIR: '/env',
      PLANTON_DATABASE_URL: 'postgres://x',
    };
    expect(readServerSettings(['--listen', '[::1]:2'], env)).toMatchObject({
      listen: '[::1]:2',
      dataDir: '/env',
      databaseUrl: 'postgres://x',
    });
  });

  test('say whether the public URL was named, and what cross-account trust needs', () => {
    const env = {
      ...home,
      PLANTON_PUBLIC_URL: 'https://planton.example.com/',
      PLANTON_AWS_PRINCIPAL: 'arn:aws:iam::111122223333:role/planton',
    };
    expect(
      readServerSettings(['--aws-template-url', 'https://a.s3.amazonaws.com/t.yaml'], env),
    ).toMatchObject({
      publicUrl: 'https://planton.example.com',
      publicUrlGiven: true,
      awsPrincipal: 'arn:aws:iam::111122223333:role/planton',
      awsTemplateUrl: 'https://a.s3.amazonaws.com/t.yaml',
    });
  });

  test.each([['0.0.0.0:80'], ['example.com:80'], ['[::]:80'], ['127.evil.com:80'], [':80']])(
    '%s needs TLS or --insecure',
    (listen) => {
      expect(() => readServerSettings(['--listen', listen], home)).toThrow('TLS');
      expect(readServerSettings(['--listen', listen, '--insecure'], home).listen).toBe(listen);
    },
  );

  test('runners dial what they are told to, else where the server listens for them', () => {
    const everywhere = ['--runner-listen', '0.0.0.0:9443'];
    expect(readServerSettings(everywhere, home).runnerPublicAddress).toBe('127.0.0.1:9443');
    const published = readServerSettings(
      [...everywhere, '--public-url', 'https://planton.example.com'],
      home,
    );
    expect(published.runnerPublicAddress).toBe('planton.example.com:9443');
    const told = ['--runner-listen', '[::1]:9443', '--runner-public-address', 'runners.example.com:443'];
    expect(readServerSettings(told, home)).toMatchObject({
      runnerListen: '[::1]:9443',
      runnerPublicAddress: 'runners.example.com:443',
    });
  });

  test.each(['runners.example.com', 'x:99999', 'https://x:1', ':8443', '::1:8443', 'a b:1'])(
    '%s is no address for runners',
    (address) => {
      expect(() => readServerSettings(['--runner-public-address', address], home)).toThrow(SettingsRefused);
    },
  );

  test.each(['ftp://x', 'nonsense', 'https://user:pw@x', 'https://x/?q=1'])('%s is no public URL', (url) => {
    expect(() => readServerSettings(['--public-url', url], home)).toThrow(SettingsRefused);
  });

  test.each([['--unknown'], ['--log-level', 'loud'], ['stray']])('%s is refused', (...argv) => {
    expect(() => readServerSettings(argv, home)).toThrow(SettingsRefused);
  });
});

describe('settings of a service that runs alone', () => {
  test('name the others by URL', () => {
    expect(readServiceUrl('config-manager', { PLANTON_CONFIG_MANAGER_URL: 'http://127.0.0.1:1/' })).toBe(
      'http://127.0.0.1:1',
    );
    expect(() => readServiceUrl('identity', {})).toThrow('PLANTON_IDENTITY_URL');
    expect(() => readServiceUrl('identity', { PLANTON_IDENTITY_URL: 'x' })).toThrow('not a URL');
  });

  test('name the file of the key', () => {
    expect(() => readServiceKey({})).toThrow('PLANTON_SERVICE_KEY_FILE');
    expect(() => readServiceKey({ PLANTON_SERVICE_KEY_FILE: '/nonexistent' })).toThrow('ENOENT');
  });
});

describe('an OpenID provider', () => {
  const issuer = ['--oidc-issuer', 'https://login.example.com', '--oidc-client-id', 'planton'];
  const env = { PLANTON_OIDC_CLIENT_SECRET: 'the secret' };

  test('is read from flags, its secret from the environment or a file alone', () => {
    const domains = ['--oidc-allowed-domains', 'Example.com, @example.org'];
    expect(readServerSettings([...issuer, ...domains], env).oidc).toEqual({
      issuer: 'https://login.example.com',
      clientId: 'planton',
      clientSecret: 'the secret',
      allowedDomains: ['example.com', 'example.org'],
      defaultRole: 'viewer',
    });
    expect(readServerSettings([], env).oidc).toBeUndefined();
    expect(() => readServerSettings([...issuer, '--oidc-client-secret', 'x'], {})).toThrow();
  });

  test.each([
    [issuer, {}, 'needs the secret'],
    [['--oidc-issuer', 'https://login.example.com'], env, 'needs --oidc-client-id'],
    [['--oidc-issuer', 'http://login.example.com'], env, 'no https URL'],
    [['--oidc-client-id', 'planton'], env, 'without a provider'],
    [[...issuer, '--oidc-default-role', 'owner'], env, 'cannot be "owner"'],
    [[...issuer, '--oidc-default-role', 'toString'], env, 'cannot be'],
    [[...issuer, '--oidc-client-secret-file', '/nonexistent'], env, '--oidc-client-secret-file'],
  ])('%j is refused', (argv, variables, why) => {
    expect(() => readServerSettings(argv, variables)).toThrow(why);
  });
});
