import { Code, ConnectError, type ConnectRouter, createClient } from '@connectrpc/connect';
import { trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missing, unavailable } from '../errors/domain-error.ts';
import { createTestPlatform, type TestPlatform } from '../testing/index.ts';

const SECRET = 'canary-7f3a9c';
const org = { uid: 'org-1', slug: 'acme' };
const exporter = new InMemorySpanExporter();
const lines: { level: string; facts: Record<string, unknown>; text: string }[] = [];
const write = (level: string) => (facts: unknown, text?: string) => {
  lines.push({ level, facts: facts as Record<string, unknown>, text: text ?? '' });
};
const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };

class ConnectionLost extends Error {}

const routes = (router: ConnectRouter) => {
  router.service(RunnerService, {
    async *watchOperation({ operationUid }) {
      yield {};
      if (operationUid === 'gone') throw missing('OPERATION_NOT_FOUND', 'not there');
      throw operationUid === 'lost'
        ? new ConnectionLost('host db.internal refused')
        : new Error(`broken near ${operationUid}`);
    },
  });
  router.service(ConfigManager, {
    setSecret: () => ({ secret: { slug: 'x' } }),
    getSecret: ({ slug }) => {
      if (slug === 'gone') throw missing('SECRET_NOT_FOUND', 'not there');
      if (slug === 'away') throw new ConnectError('refused', Code.Unavailable, {}, [], new ConnectionLost());
      if (slug === 'told') throw unavailable('SOMETHING_AWAY', 'it is away', { cause: new ConnectionLost() });
      throw slug === 'lost'
        ? new ConnectionLost('host db.internal refused')
        : new Error(`broken near ${slug}`);
    },
  });
};

let platform: TestPlatform;
beforeAll(async () => {
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  const isLost = (error: unknown): boolean =>
    error instanceof ConnectionLost || (error instanceof Error && isLost(error.cause));
  platform = await createTestPlatform({ logger, isUnavailable: isLost });
});
afterAll(() => trace.disable());

const client = async () =>
  createClient(ConfigManager, platform.transportFor(routes, await platform.tokenFor({ org, role: 'admin' })));
const refusal = async (slug: string, headers: Record<string, string> = {}) => {
  const error = await (await client())
    .getSecret({ org: 'acme', slug }, { headers })
    .catch((thrown: unknown) => thrown);
  return error as ConnectError;
};

describe('an observed RPC', () => {
  test('leaves a span and a line that hold neither message nor token', async () => {
    const before = lines.length;
    await (await client()).setSecret({ org: 'acme', slug: 'x', entries: { value: SECRET } });
    const spans = exporter.getFinishedSpans();
    const span = spans.at(-1);
    expect(span?.name).toBe('planton.config.v1.ConfigManager/SetSecret');
    expect(lines.slice(before)).toMatchObject([{ level: 'debug', facts: { rpc: span?.name } }]);
    const written = JSON.stringify([
      lines,
      spans.map(({ name, attributes, events, status }) => [name, attributes, events, status]),
    ]);
    expect(written).not.toContain(SECRET);
    expect(written).not.toContain('eyJ');
  });

  test('keeps the id that it is given, and gives one where that is no id', async () => {
    expect((await refusal('gone', { 'x-request-id': 'build-42' })).metadata.get('x-request-id')).toBe(
      'build-42',
    );
    const hostile = (await refusal('gone', { 'x-request-id': 'a b"{}' })).metadata.get('x-request-id');
    expect(hostile).toMatch(/^[0-9a-f-]{36}$/);
    expect(
      (await refusal('gone', { 'x-request-id': 'x'.repeat(65) })).metadata.get('x-request-id'),
    ).toHaveLength(36);
  });

  test('that is refused is logged without its cause, at info', async () => {
    const error = await refusal('gone');
    expect(error.code).toBe(Code.NotFound);
    expect(lines.at(-1)).toMatchObject({
      level: 'info',
      text: 'refused',
      facts: { reason: 'SECRET_NOT_FOUND' },
    });
  });

  test('that fails is logged with its cause, once, and tells the caller nothing of it', async () => {
    const before = lines.length;
    const error = await refusal('here');
    expect(lines.slice(before)).toMatchObject([
      { level: 'error', facts: { error: new Error('broken near here') } },
    ]);
    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).not.toContain('broken');
  });

  test('whose database does not answer is unavailable', async () => {
    const error = await refusal('lost');
    expect(error.code).toBe(Code.Unavailable);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe('DATABASE_UNAVAILABLE');
    expect(error.rawMessage).not.toContain('db.internal');
  });

  test('that another service does not answer is not taken for a database that does not', async () => {
    const away = await refusal('away');
    expect([away.code, away.findDetails(ErrorInfoSchema)[0]?.reason]).toEqual([
      Code.Unavailable,
      'DEPENDENCY_UNAVAILABLE',
    ]);
    const told = await refusal('told');
    expect([told.code, told.findDetails(ErrorInfoSchema)[0]?.reason]).toEqual([
      Code.Unavailable,
      'SOMETHING_AWAY',
    ]);
  });
});

describe('an observed stream', () => {
  const watch = async (operationUid: string) => {
    const token = await platform.tokenFor({ org, role: 'admin' });
    const watcher = createClient(RunnerService, platform.transportFor(routes, token));
    let answers = 0;
    const read = async () => {
      for await (const _ of watcher.watchOperation({ org: 'acme', operationUid })) answers += 1;
    };
    const error = await read().catch((thrown: unknown) => thrown);
    return { answers, error: error as ConnectError };
  };

  test.each([
    ['gone', Code.NotFound, 'OPERATION_NOT_FOUND', 'info'],
    ['lost', Code.Unavailable, 'DATABASE_UNAVAILABLE', 'info'],
    ['here', Code.Internal, 'INTERNAL', 'error'],
  ])(
    'that fails after it began (%s) is mapped and logged like any other RPC',
    async (uid, code, reason, level) => {
      const { answers, error } = await watch(uid);
      expect(answers).toBe(1);
      expect(error.code).toBe(code);
      expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe(reason);
      expect(error.rawMessage).not.toMatch(/broken|db.internal/);
      expect(lines.at(-1)?.level).toBe(level);
    },
  );
});
