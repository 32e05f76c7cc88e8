import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Attributes,
  createNoopMeter,
  type MetricOptions,
  metrics,
  type ObservableCallback,
} from '@opentelemetry/api';
import { parseLine } from '@planton/audit';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, onTestFinished, test } from 'vitest';
import { keepAuditTrail } from '../keep-audit-trail.ts';
import { startSink } from '../testing/start-sink.ts';
import { key, SCHEMA, SERVICE, type TestTrail, useTestTrail } from '../testing/use-test-trail.ts';
import { parseSink } from './parse-sink.ts';

const pace = {
  sealMs: 20,
  idleMs: 20,
  firstPauseMs: 20,
  longestPauseMs: 100,
  lagMs: 20,
};

describe.each(engines)('an audit sink on %s', (kind) => {
  const trail = useTestTrail(kind);

  /** Seals and streams until the test ends. */
  function keep(
    sink: string,
    { env = {}, deliveryMs = 60_000 }: { env?: Record<string, string>; deliveryMs?: number } = {},
  ) {
    const log: { readonly text: string; readonly facts: unknown }[] = [];
    const write = (facts: unknown, text?: unknown) => void log.push({ text: String(text), facts });
    const kept = keepAuditTrail({
      engine: trail().engine,
      schema: SCHEMA,
      service: SERVICE,
      audit: { key, previousKeys: [], sinks: [parseSink(sink, env)] },
      logger: { debug: write, info: write, warn: write, error: write },
      replica: randomUUID(),
      random: Math.random,
      pace: { ...pace, deliveryMs },
    });
    kept.start();
    onTestFinished(() => kept.stop());
    return { ...kept, log };
  }
  const uidsOf = (lines: readonly string[]) =>
    lines.map(parseLine).flatMap((line) => (line.type === 'record' ? [line.record.uid] : []));
  const distinct = (uids: readonly string[]) => [...new Set(uids)];
  /** The records of the whole service as they were sealed, in order. */
  const sealedUids = async ({ database }: TestTrail) => {
    const { rows } = await sql<{ uid: string }>`select r.uid from ${sql.table(`${SCHEMA}.audit_record`)} r
      join ${sql.table(`${SCHEMA}.audit_seal`)} s on s.organization_uid = r.organization_uid and s.number = r.seal_number
      order by s.position, r.sequence`.execute(database.query);
    return rows.map(({ uid }) => uid);
  };
  /** Waits until a sink has everything, in order, each record at least once. */
  const hasAll = (uids: () => readonly string[], count: number) =>
    waitFor(() => distinct(uids()).length >= count).then(async () => {
      expect(distinct(uids())).toEqual(await sealedUids(trail()));
    });

  test('is given everything in order, with its header, and after a restart what is new', async () => {
    const { write } = trail();
    const sink = await startSink(() => 'take');
    await write('one', 3);
    const first = keep(sink.url, { env: { PLANTON_AUDIT_SINK_AUTHORIZATION: 'Bearer canary' } });
    await hasAll(() => uidsOf(sink.taken()), 3);
    await waitFor(async () => {
      const { rows } =
        await sql`select from ${sql.table(`${SCHEMA}.audit_sink`)} where name = ${sink.url} and position > 0`.execute(
          trail().database.query,
        );
      return rows.length === 1;
    });
    await first.stop();
    const delivered = sink.taken().length;
    await write('one', 2);
    await write('two', 1);
    const second = keep(sink.url);
    await hasAll(() => uidsOf(sink.taken()), 6);
    expect(new Set(sink.taken()).size).toBe(sink.taken().length);
    expect(sink.taken().length).toBeGreaterThan(delivered);
    expect(sink.seen[0]?.headers.authorization).toBe('Bearer canary');
    expect(JSON.stringify([...first.log, ...second.log])).not.toContain('canary');
  });

  test('that answers 500, redirects or cuts the connection is given the same again', async () => {
    const { write } = trail();
    const answers = ['refuse', 'cut', 'redirect', 'refuse', 'take', 'cut'] as const;
    const sink = await startSink((delivery) => answers[delivery] ?? 'take');
    const { log } = keep(sink.url);
    await write('three', 5);
    await waitFor(() => uidsOf(sink.taken()).length > 0);
    await write('three', 5);
    const all = await waitForSealed(trail);
    await hasAll(() => uidsOf(sink.taken()), all.length);
    const told = log.filter(({ text }) => text.includes('does not take'));
    expect(told.length).toBeGreaterThanOrEqual(1);
    expect(told.length).toBeLessThanOrEqual(2);
    expect(told[0]?.facts).toMatchObject({ seals_behind: expect.any(Number) });
  });

  test('that swallows everything freezes nothing and loses nothing', async () => {
    const { write, verify } = trail();
    let awake = false;
    const sink = await startSink(() => (awake ? 'take' : 'swallow'));
    const { log } = keep(sink.url, { deliveryMs: 1_000 });
    for (let round = 0; round < 5; round += 1) {
      await write('four', 20);
      await sleep(50);
    }
    await waitForSealed(trail);
    await waitFor(() => log.some(({ text }) => text.includes('does not take')));
    expect(await verify('four')).toEqual([]);
    expect(sink.taken()).toEqual([]);
    expect(log.filter(({ text }) => text.includes('does not take'))).toHaveLength(1);
    awake = true;
    await hasAll(() => uidsOf(sink.taken()), (await sealedUids(trail())).length);
    await waitFor(() => log.some(({ text }) => text.includes('takes records again')));
  });

  test('that swallows everything is seen to be behind, by whoever asks and whoever collects metrics', async () => {
    const { write } = trail();
    const collected = collectGauges();
    let awake = false;
    const sink = await startSink(() => (awake ? 'take' : 'swallow'));
    const { notes, stop } = keep(sink.url, { deliveryMs: 300 });
    await write('lag', 3);
    await waitForSealed(trail);
    const behind = /^audit sink 1 of config-manager: (\d+) seals? behind, the oldest for (\d+) s$/;
    await waitFor(() => Number(behind.exec(notes()[0] ?? '')?.[1]) > 0);
    await waitFor(() => Number(behind.exec(notes()[0] ?? '')?.[2]) >= 1);
    expect(notes()).toHaveLength(1);
    const attributes = { service: SERVICE, sink: 1 };
    const read = () => collected();
    expect(read()).toMatchObject([
      { name: 'planton.audit.sink.seals_behind', unit: '{seal}', attributes },
      { name: 'planton.audit.sink.seconds_behind', unit: 's', attributes },
    ]);
    for (const { value } of read()) expect(value).toBeGreaterThan(0);
    const before = Number(behind.exec(notes()[0] ?? '')?.[1]);
    await write('lag', 1);
    await waitFor(() => Number(behind.exec(notes()[0] ?? '')?.[1]) > before);
    awake = true;
    await waitFor(() => notes()[0] === 'audit sink 1 of config-manager: nothing behind');
    expect(read().map(({ value }) => value)).toEqual([0, 0]);
    expect(JSON.stringify([notes(), read()])).not.toContain('127.0.0.1');
    await stop();
    expect(read()).toEqual([]);
  });

  test('that swallows everything does not hold up the end of the service', async () => {
    const { write } = trail();
    const sink = await startSink(() => 'swallow');
    const kept = keep(sink.url);
    await write('five', 1);
    await waitFor(() => sink.seen.length > 0);
    await kept.stop();
    expect(sink.taken()).toEqual([]);
  });

  test('is served by one of several replicas at a time', async () => {
    const { write } = trail();
    const sink = await startSink(() => 'take');
    const replicas = [keep(sink.url), keep(sink.url), keep(sink.url)];
    for (let round = 0; round < 5; round += 1) await write('six', 10);
    const all = await waitForSealed(trail);
    await hasAll(() => uidsOf(sink.taken()), all.length);
    expect(new Set(sink.taken()).size).toBe(sink.taken().length);
    await Promise.all(replicas.map(({ stop }) => stop()));
  });

  test('can be a file, which appears late', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'planton-sink-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'sub', 'audit.jsonl');
    const { log } = keep(`file:${path}`);
    await trail().write('seven', 4);
    await waitFor(() => log.some(({ text }) => text.includes('does not take')));
    expect(existsSync(path)).toBe(false);
    await import('node:fs/promises').then(({ mkdir }) => mkdir(join(folder, 'sub')));
    const lines = () => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []);
    const all = await waitForSealed(trail);
    await hasAll(() => uidsOf(lines()), all.length);
  });

  test.runIf(existsSync('/dev/full'))('can be a file on a full disk: the service goes on', async () => {
    const { write, verify } = trail();
    const { log } = keep('file:/dev/full');
    await write('eight', 4);
    await waitFor(() => log.some(({ text }) => text.includes('does not take')));
    await write('eight', 4);
    await waitForSealed(trail);
    expect(await verify('eight')).toEqual([]);
  });
});

describe('parseSink', () => {
  test.each([
    'http://example.com/audit',
    'https://user:secret@example.com/',
    'https://example.com/?token=secret',
    'ftp://example.com/',
    'file:',
    'nothing',
  ])('refuses %s without repeating it', (text) => {
    expect(() => parseSink(text, {})).toThrow('--audit-sink names what is no sink');
  });

  test('refuses a header that is none, without repeating it', () => {
    const env = { PLANTON_AUDIT_SINK_AUTHORIZATION: 'secret\r\nx: y' };
    expect(() => parseSink('https://example.com/', env)).toThrow(
      'PLANTON_AUDIT_SINK_AUTHORIZATION holds what no header can',
    );
  });
});

interface Collected {
  readonly name: string;
  readonly unit: string | undefined;
  readonly value: number;
  readonly attributes: Attributes | undefined;
}

/** Collects metrics as an SDK that was there before the service: answers what the gauges say now. */
function collectGauges(): () => Collected[] {
  const gauges: { name: string; unit: string | undefined; callbacks: Set<ObservableCallback> }[] = [];
  const meter = Object.assign(createNoopMeter(), {
    createObservableGauge: (name: string, { unit }: MetricOptions = {}) => {
      const callbacks = new Set<ObservableCallback>();
      gauges.push({ name, unit, callbacks });
      return {
        addCallback: (callback: ObservableCallback) => void callbacks.add(callback),
        removeCallback: (callback: ObservableCallback) => void callbacks.delete(callback),
      };
    },
  });
  metrics.setGlobalMeterProvider({ getMeter: () => meter });
  onTestFinished(() => metrics.disable());
  return () =>
    gauges.flatMap(({ name, unit, callbacks }) => {
      const read: Collected[] = [];
      const observe = (value: number, attributes?: Attributes) =>
        void read.push({ name, unit, value, attributes });
      for (const callback of callbacks) void callback({ observe });
      return read;
    });
}

async function waitFor(isDone: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isDone())) await sleep(20);
}

async function waitForSealed(trail: () => TestTrail): Promise<{ uid: string }[]> {
  const { query } = trail().database;
  await waitFor(async () => {
    const left = await query
      .selectFrom('audit_record')
      .select('uid')
      .where('seal_number', 'is', null)
      .execute();
    return left.length === 0;
  });
  return query.selectFrom('audit_record').select('uid').execute();
}
