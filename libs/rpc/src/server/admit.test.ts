import {
  Code,
  ConnectError,
  type ConnectRouter,
  createClient,
  createRouterTransport,
  type HandlerContext,
} from '@connectrpc/connect';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { RunnerGateway } from '@planton/api/runner/v1/runner_gateway';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { SignJWT, UnsecuredJWT } from 'jose';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { assertAccessRules } from '../access/access-rule.ts';
import { callerOf, organizationCallerOf, serviceCallerOf } from '../caller/caller.ts';
import { peerCertificateOf, tlsConnectionKey } from '../caller/tls-connection.ts';
import { asActor } from '../clients/service-transport.ts';
import { createTestPlatform, type TestPlatform } from '../testing/index.ts';

const org = { uid: 'org-1', slug: 'acme' };
let platform: TestPlatform;
let seen: HandlerContext | undefined;

const routes = (router: ConnectRouter) => {
  const remember = (_request: unknown, context: HandlerContext) => {
    seen = context;
    return {};
  };
  router.service(ConfigManager, {
    getSecret: remember,
    setSecret: remember,
    accessSecret: remember,
    setReferences: remember,
    resolveReferences: remember,
  });
  router.service(Identity, { createOrganization: remember, whoAmI: remember, exchangeToken: remember });
};

beforeEach(async () => {
  platform = await createTestPlatform();
  seen = undefined;
});

const client = (token?: string) => createClient(ConfigManager, platform.transportFor(routes, token));
const identity = (token?: string) => createClient(Identity, platform.transportFor(routes, token));
const refusal = async (call: Promise<unknown>) => {
  const error = await call.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConnectError);
  expect(seen).toBeUndefined();
  const { code } = error as ConnectError;
  return { code, reason: (error as ConnectError).findDetails(ErrorInfoSchema)[0]?.reason };
};

describe('a stranger', () => {
  test('gets nowhere, and learns nothing from an invalid message', async () => {
    expect(await refusal(client().getSecret({ org: 'acme', slug: '' }))).toEqual({
      code: Code.Unauthenticated,
      reason: 'NO_TOKEN',
    });
  });

  test('may not put a NUL character anywhere', async () => {
    const call = identity().exchangeToken({ apiKey: 'x', org: 'a\0b' });
    expect(await refusal(call)).toEqual({ code: Code.InvalidArgument, reason: 'VALIDATION_FAILED' });
  });

  test('may call what is anonymous', async () => {
    await identity().exchangeToken({ apiKey: 'x' });
    expect(seen).toBeDefined();
  });

  test.each([
    ['no token at all', 'nonsense', 'API_KEY_INVALID'],
    ['three parts of garbage', 'eyJhbGciOiJub25lIn0.e30.', 'TOKEN_INVALID'],
    ['far too long', `eyJ${'x'.repeat(20_000)}.y.z`, 'TOKEN_INVALID'],
  ])('%s', async (_name, token, reason) => {
    expect(await refusal(client(token).getSecret({ org: 'acme', slug: 'x' }))).toEqual({
      code: Code.Unauthenticated,
      reason,
    });
  });

  test('cannot forge a token', async () => {
    const claims = { sub: 'me', name: 'me', kind: 'user', ms: Date.now(), org: { ...org, role: 'owner' } };
    const symmetric = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: 'test' })
      .setIssuedAt()
      .setExpirationTime('5m')
      .setAudience('planton')
      .setIssuer('http://identity.test')
      .sign(new TextEncoder().encode('0'.repeat(64)));
    const unsigned = new UnsecuredJWT(claims).setIssuedAt().setExpirationTime('5m').encode();
    const [header, , signature] = (await platform.tokenFor({ org, role: 'viewer' })).split('.');
    const swapped = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
    for (const token of [symmetric, unsigned, swapped]) {
      expect(await refusal(client(token).getSecret({ org: 'acme', slug: 'x' }))).toEqual({
        code: Code.Unauthenticated,
        reason: 'TOKEN_INVALID',
      });
    }
  });

  test.each([
    ['another issuer', { iss: 'http://elsewhere.test' }],
    ['another audience', { aud: 'another' }],
    ['an end in the past', { exp: 1 }],
    ['a role that does not exist', { org: { ...org, role: 'root' } }],
    ['a role from the prototype', { org: { ...org, role: 'constructor' } }],
    ['a malformed list of environments', { org: { ...org, role: 'owner', envs: 'all' } }],
    ['an unknown kind', { kind: 'god' }],
  ])('a signed token with %s is refused', async (_name, claims) => {
    const token = await platform.sign({ org: { ...org, role: 'owner' }, ...claims });
    expect((await refusal(client(token).getSecret({ org: 'acme', slug: 'x' }))).code).toBe(
      Code.Unauthenticated,
    );
  });
});

describe('a member', () => {
  test('is the caller of the handler', async () => {
    const token = await platform.tokenFor({
      uid: 'u1',
      name: 'Ada',
      org,
      role: 'viewer',
      environments: ['e1'],
      apiKeyUid: 'k1',
    });
    await client(token).getSecret({ org: 'acme', slug: 'x' });
    expect(seen && organizationCallerOf(seen)).toMatchObject({
      subject: { uid: 'u1', name: 'Ada', kind: 'user', apiKeyUid: 'k1', instanceOwner: false },
      membership: { organization: org, role: 'viewer', environments: ['e1'] },
    });
  });

  test('cannot do what the role does not include', async () => {
    const token = await platform.tokenFor({ org, role: 'viewer' });
    expect(
      await refusal(client(token).setSecret({ org: 'acme', slug: 'x', entries: { value: 'y' } })),
    ).toEqual({
      code: Code.PermissionDenied,
      reason: 'PERMISSION_DENIED',
    });
  });

  test('finds another organisation absent, as a stranger would', async () => {
    const token = await platform.tokenFor({ org, role: 'owner' });
    for (const other of ['globex', '', 'ACME']) {
      expect(await refusal(client(token).getSecret({ org: other, slug: 'x' }))).toEqual({
        code: Code.NotFound,
        reason: 'ORGANIZATION_NOT_FOUND',
      });
    }
  });

  test('is told what is wrong with a message, by field', async () => {
    const token = await platform.tokenFor({ org, role: 'admin' });
    const error = await client(token)
      .setSecret({ org: 'acme', slug: 'Not A Slug', entries: { 'bad key!': 'y' } })
      .catch((thrown: unknown) => thrown as ConnectError);
    expect(error).toMatchObject({ code: Code.InvalidArgument });
    const fields = (error as ConnectError)
      .findDetails(ErrorInfoSchema)[0]
      ?.violations.map(({ field }) => field);
    expect(fields).toEqual(['slug', 'entries["bad key!"]']);
    expect((error as ConnectError).message).not.toContain('"y"');
  });

  test('loses access with a revocation, at once', async () => {
    const token = await platform.tokenFor({ uid: 'u1', org, role: 'owner', apiKeyUid: 'k1' });
    await client(token).getSecret({ org: 'acme', slug: 'x' });
    seen = undefined;
    await platform.revoke('k1');
    expect(await refusal(client(token).getSecret({ org: 'acme', slug: 'x' }))).toEqual({
      code: Code.Unauthenticated,
      reason: 'TOKEN_REVOKED',
    });
  });

  test('is no instance owner and no service', async () => {
    const token = await platform.tokenFor({ org, role: 'owner' });
    expect((await refusal(identity(token).createOrganization({ slug: 'x' }))).reason).toBe(
      'INSTANCE_OWNER_ONLY',
    );
    expect((await refusal(client(token).setReferences({ org: 'acme' }))).reason).toBe('SERVICE_ONLY');
  });

  test('cannot act for someone else', async () => {
    const [mine, theirs] = [
      await platform.tokenFor({ org, role: 'viewer' }),
      await platform.tokenFor({ org, role: 'owner' }),
    ];
    const headers = { 'planton-actor': theirs };
    expect((await refusal(client(mine).getSecret({ org: 'acme', slug: 'x' }, { headers }))).reason).toBe(
      'ACTOR_NOT_ALLOWED',
    );
  });
});

describe('an API key', () => {
  test('is exchanged once, and again after a revocation', async () => {
    const exchange = vi.fn(() => platform.tokenFor({ uid: 'u1', org, role: 'admin' }));
    platform.apiKeys.set('planton_key', exchange);
    const keyed = client('planton_key');
    await Promise.all(Array.from({ length: 20 }, () => keyed.getSecret({ org: 'acme', slug: 'x' })));
    expect(exchange).toHaveBeenCalledTimes(1);
    await platform.revoke('u1');
    await new Promise((resolve) => setTimeout(resolve, 5));
    await keyed.getSecret({ org: 'acme', slug: 'x' });
    expect(exchange).toHaveBeenCalledTimes(2);
  });

  test('that is refused is not remembered', async () => {
    expect((await refusal(client('planton_late').getSecret({ org: 'acme', slug: 'x' }))).reason).toBe(
      'API_KEY_INVALID',
    );
    platform.apiKeys.set('planton_late', () => platform.tokenFor({ org, role: 'viewer' }));
    await client('planton_late').getSecret({ org: 'acme', slug: 'x' });
    expect(seen).toBeDefined();
  });
});

describe('a service', () => {
  test('acts for the actor, whose permission counts', async () => {
    const relay = createClient(ConfigManager, platform.serviceTransport(routes, 'connection-service'));
    const entry = (router: ConnectRouter) =>
      router.service(ConfigManager, {
        getSecret: async (_request, context) => {
          await relay.getSecret({ org: 'acme', slug: 'x' }, { contextValues: asActor(context) });
          return {};
        },
      });
    const token = await platform.tokenFor({ uid: 'u1', org, role: 'viewer' });
    await createClient(ConfigManager, platform.transportFor(entry, token)).getSecret({
      org: 'acme',
      slug: 'x',
    });
    expect(seen && callerOf(seen)).toMatchObject({ subject: { uid: 'u1' }, via: 'connection-service' });
  });

  test('needs an actor where a permission is asked for', async () => {
    const alone = createClient(ConfigManager, platform.serviceTransport(routes, 'connection-service'));
    expect((await refusal(alone.getSecret({ org: 'acme', slug: 'x' }))).reason).toBe('ACTOR_MISSING');
  });

  test('is known to the RPCs that only services may call', async () => {
    const alone = createClient(ConfigManager, platform.serviceTransport(routes, 'connection-service'));
    const owner = { kind: 'AwsProviderConnection', uid: 'c1', slug: 'c' };
    await alone.setReferences({ org: 'acme', organizationUid: org.uid, owner, revision: 1, phase: 2 });
    expect(seen && serviceCallerOf(seen)).toMatchObject({ service: 'connection-service' });
    expect(seen && serviceCallerOf(seen).actor).toBeUndefined();
  });

  test('never calls where it may not', async () => {
    const forbidden = () => {
      throw new Error('inside a transaction');
    };
    const alone = createClient(
      ConfigManager,
      platform.serviceTransport(routes, 'connection-service', forbidden),
    );
    await expect(alone.getSecret({ org: 'acme', slug: 'x' })).rejects.toThrow();
    expect(seen).toBeUndefined();
  });
});

test('secrets stay in while revocations cannot be read', async () => {
  const token = await platform.tokenFor({ org, role: 'owner' });
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 10_001);
  try {
    expect(await refusal(client(token).accessSecret({ org: 'acme', slug: 'x' }))).toEqual({
      code: Code.Unavailable,
      reason: 'REVOCATIONS_STALE',
    });
    await client(token).getSecret({ org: 'acme', slug: 'x' });
  } finally {
    vi.restoreAllMocks();
  }
});

describe('an answer that takes its time', () => {
  const slow = (meanwhile: () => Promise<void> | void) => (router: ConnectRouter) => {
    const answer = async () => {
      await meanwhile();
      return {};
    };
    router.service(ConfigManager, { accessSecret: answer, getSecret: answer });
  };
  const call = (token: string, meanwhile: () => Promise<void> | void) =>
    createClient(ConfigManager, platform.transportFor(slow(meanwhile), token));
  const question = { org: org.slug, slug: 'x' };

  test('holds no secret for whoever was revoked meanwhile', async () => {
    const token = await platform.tokenFor({ uid: 'ada', org, role: 'owner' });
    const revoke = () => platform.revoke('ada');
    expect(await refusal(call(token, revoke).accessSecret(question))).toEqual({
      code: Code.Unauthenticated,
      reason: 'TOKEN_REVOKED',
    });
    const other = await platform.tokenFor({ uid: 'bob', org, role: 'owner' });
    await call(other, () => platform.revoke('bob')).getSecret(question);
  });

  test('holds no secret once it is not known any more who is revoked', async () => {
    const token = await platform.tokenFor({ org, role: 'owner' });
    const late = performance.now() + 10_001;
    try {
      const slowly = call(token, () => void vi.spyOn(performance, 'now').mockReturnValue(late));
      expect(await refusal(slowly.accessSecret(question))).toEqual({
        code: Code.Unavailable,
        reason: 'REVOCATIONS_STALE',
      });
    } finally {
      vi.restoreAllMocks();
    }
  });
});

describe('a stream', () => {
  let more = Promise.withResolvers<void>();
  const streamRoutes = (router: ConnectRouter) =>
    router.service(RunnerService, {
      async *watchRunners() {
        yield { event: { case: 'complete' as const, value: true } };
        await more.promise;
        yield { event: { case: 'deleted' as const, value: 'what-only-members-may-hear' } };
      },
    });
  const watch = (token: string) =>
    createClient(RunnerService, platform.transportFor(streamRoutes, token))
      .watchRunners({ org: org.slug })
      [Symbol.asyncIterator]();
  const start = async (token: string) => {
    more = Promise.withResolvers<void>();
    const answers = watch(token);
    expect((await answers.next()).value?.event.case).toBe('complete');
    return answers;
  };

  test('tells nothing more to whoever was revoked meanwhile', async () => {
    const token = await platform.tokenFor({ uid: 'ada', org, role: 'viewer' });
    const answers = await start(token);
    await platform.revoke('ada');
    more.resolve();
    expect(await refusal(answers.next())).toEqual({ code: Code.Unauthenticated, reason: 'TOKEN_REVOKED' });
  });

  test('outlives an API key’s token, which is exchanged anew, and no longer the key', async () => {
    const now = vi.spyOn(Date, 'now');
    try {
      platform.apiKeys.set('key', () => platform.tokenFor({ uid: 'ada', org, role: 'viewer' }));
      let answers = await start('key');
      now.mockReturnValue(Date.now() + 60 * 60_000);
      more.resolve();
      expect((await answers.next()).value?.event.case).toBe('deleted');

      answers = await start('key');
      platform.apiKeys.delete('key');
      now.mockReturnValue(Date.now() + 60 * 60_000);
      more.resolve();
      expect(await refusal(answers.next())).toEqual({
        code: Code.Unauthenticated,
        reason: 'API_KEY_INVALID',
      });
    } finally {
      now.mockRestore();
    }
  });

  test('ends where its access token has long ended', async () => {
    const answers = await start(await platform.tokenFor({ uid: 'ada', org, role: 'viewer' }));
    const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 10 * 60_000);
    try {
      more.resolve();
      expect((await refusal(answers.next())).code).toBe(Code.Unauthenticated);
    } finally {
      now.mockRestore();
    }
  });
});

describe('an RPC for runners', () => {
  const certificate = { subjectAltName: 'URI:urn:x', notBefore: 0, notAfter: 1 };
  const runnerRoutes = (router: ConnectRouter) =>
    router.service(RunnerGateway, {
      renewCertificate: (_request, context) => {
        seen = context;
        return {};
      },
      async *openSession(frames) {
        for await (const { sequence } of frames) yield { sequence };
      },
    });
  /** Calls as over a connection with a client certificate. */
  const asRunner = () =>
    createClient(
      RunnerGateway,
      createRouterTransport(runnerRoutes, {
        router: {
          interceptors: [
            (next) => (request) => {
              request.contextValues.set(tlsConnectionKey, { certificate, cut: () => {} });
              return next(request);
            },
            ...platform.guard.interceptors,
          ],
        },
      }),
    );

  test('is answered to a certificate, and to nothing else', async () => {
    for (const token of [
      undefined,
      await platform.tokenFor({ org, role: 'owner' }),
      await platform.serviceToken('connection-service'),
    ]) {
      const client = createClient(RunnerGateway, platform.transportFor(runnerRoutes, token));
      const refused = await refusal(client.renewCertificate({}));
      expect([refused.code, refused.reason]).toEqual([Code.PermissionDenied, 'RUNNER_CERTIFICATE_REQUIRED']);
    }
    await asRunner().renewCertificate({});
    expect(seen && peerCertificateOf(seen)).toEqual(certificate);
  });

  test('has every frame of a stream validated', async () => {
    const frames = async function* () {
      yield { sequence: 1n };
      yield { sequence: 2n, frame: { case: 'hello' as const, value: { maxInFlight: 0, processUid: 'x' } } };
    };
    const answers: bigint[] = [];
    const read = async () => {
      for await (const { sequence } of asRunner().openSession(frames())) answers.push(sequence);
    };
    const refused = await refusal(read());
    expect(refused).toEqual({ code: Code.InvalidArgument, reason: 'VALIDATION_FAILED' });
    expect(answers).toEqual([1n]);
  });

  test('is served where certificates are demanded, and nothing else is', () => {
    assertAccessRules(RunnerGateway, 'mutual_tls');
    assertAccessRules(ConfigManager, 'api');
    expect(() => assertAccessRules(RunnerGateway, 'api')).toThrow(/mutual_tls listener/);
    expect(() => assertAccessRules(ConfigManager, 'mutual_tls')).toThrow(/api listener/);
  });
});
