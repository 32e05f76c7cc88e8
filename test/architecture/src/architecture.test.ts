import { beforeAll, describe, expect, test } from 'vitest';
import { type ImportGraph, readGraph } from './read-graph.ts';
import { readSources, type Source } from './read-sources.ts';

const services = ['apps/identity', 'apps/config-manager', 'apps/connection-service', 'apps/runner-gateway'];
const programs = ['apps/cli', 'apps/console', 'apps/runner'];
const programLibs = [
  'libs/api',
  'libs/client',
  'libs/manifest',
  'libs/aws',
  'libs/rpc',
  'libs/enrolment',
  'libs/audit',
];

let graph: ImportGraph;
let sources: readonly Source[];

beforeAll(() => {
  graph = readGraph();
  sources = readSources();
});

const ours = (folder: string) =>
  [...(graph.get(folder) ?? [])].filter((name) => /^(apps|libs|test)\//.test(name));
const isTest = (path: string) => /\.test\.ts$|\/testing\//.test(path) || path.startsWith('test/');
const offenders = (pattern: RegExp, among: (path: string) => boolean) =>
  sources.filter(({ path, text }) => among(path) && pattern.test(text)).map(({ path }) => path);

test('the graph and the sources are there', () => {
  expect(graph.size).toBeGreaterThan(10);
  expect(sources.length).toBeGreaterThan(100);
  expect(ours('apps/server')).toEqual(expect.arrayContaining(services));
});

describe('who may import whom', () => {
  test.each([
    'libs/api',
    'libs/connection-resolver',
    'libs/keyring',
    'libs/database',
    'libs/aws',
    'libs/audit',
  ])('%s imports nothing of ours', (folder) => {
    expect(ours(folder)).toEqual([]);
  });

  test.each(services)('%s imports libs alone, never another service', (folder) => {
    expect(ours(folder).filter((name) => !name.startsWith('libs/'))).toEqual([]);
  });

  test('only apps/server imports services, and what measures one of them from within', () => {
    const importers = [...graph.keys()].filter((folder) =>
      ours(folder).some((name) => services.includes(name)),
    );
    expect(importers).toEqual(['apps/server', 'test/bench']);
  });

  test.each(programs)('%s imports neither a service nor the database', (folder) => {
    const allowed = [...programLibs, 'test/aws-simulator'];
    expect(ours(folder).filter((name) => !allowed.includes(name))).toEqual([]);
  });

  test('the AWS simulator is imported by tests alone', () => {
    const importers = sources.filter(({ imports }) => imports.includes('@planton/aws-simulator'));
    expect(importers.map(({ path }) => path).filter((path) => !isTest(path))).toEqual([]);
  });

  test('libs import libs alone', () => {
    const importers = [...graph.keys()].filter((folder) => folder.startsWith('libs/'));
    expect(importers.flatMap((folder) => ours(folder).filter((name) => !name.startsWith('libs/')))).toEqual(
      [],
    );
  });
});

describe('what belongs in which room', () => {
  test('SQL is written in stores, migrations and libs/database alone', () => {
    const sql = /\b(selectFrom|insertInto|updateTable|deleteFrom)\(|\bsql`|\bsql</;
    const allowed = (path: string) =>
      /-store\.ts$|\/migrations\//.test(path) || path.startsWith('libs/database/') || isTest(path);
    expect(offenders(sql, (path) => !allowed(path))).toEqual([]);
  });

  test('ConnectError is made in libs/rpc alone', () => {
    expect(offenders(/new ConnectError\(/, (path) => !path.startsWith('libs/rpc/') && !isTest(path))).toEqual(
      [],
    );
  });

  test('packages are entered through their exports alone', () => {
    const deep = sources.flatMap(({ path, imports }) =>
      imports
        .filter((name) => /^@planton\/[^/]+\/(src|dist)\b|^\.\.?\/.*(apps|libs)\/[^/]+\/src/.test(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(deep).toEqual([]);
  });

  test('nothing is exported by the star', () => {
    expect(offenders(/^export \* from/m, () => true)).toEqual([]);
  });

  test('no folder is called utils, common or helpers', () => {
    expect(sources.map(({ path }) => path).filter((path) => /\/(utils|common|helpers)\//.test(path))).toEqual(
      [],
    );
  });

  test('a connection provider is known in its own folder and the registry alone', () => {
    const names = /\baws\b/i;
    const rooms = [
      'connections',
      'resolution',
      'defaults',
      'authorizations',
      'references',
      'credentials',
      'verification',
    ];
    const among = (path: string) =>
      rooms.some((room) => path.startsWith(`apps/connection-service/src/${room}/`)) && !isTest(path);
    const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    expect(
      sources.filter(({ path, text }) => among(path) && names.test(code(text))).map(({ path }) => path),
    ).toEqual([]);
  });
});
