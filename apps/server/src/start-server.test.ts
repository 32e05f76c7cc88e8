import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { readServerSettings } from '@planton/rpc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer } from './start-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'planton-server-'));
const port = 20_000 + 2 * (process.pid % 10_000);
const listen = `127.0.0.1:${port}`;
const settings = readServerSettings(
  [
    '--data-dir',
    folder,
    '--listen',
    listen,
    '--runner-listen',
    `127.0.0.1:${port + 1}`,
    '--log-level',
    'silent',
  ],
  {},
);
let running: Awaited<ReturnType<typeof startServer>>;

beforeAll(async () => {
  running = await startServer(settings);
}, 60_000);
afterAll(async () => {
  await running.close();
  rmSync(folder, { recursive: true, force: true });
});

const identityFor = (token: string) =>
  createClient(
    Identity,
    createConnectTransport({
      baseUrl: `http://${listen}`,
      httpVersion: '2',
      interceptors: [
        (next) => (request) => {
          request.header.set('authorization', `Bearer ${token}`);
          return next(request);
        },
      ],
    }),
  );
const ownerKey = () => readFileSync(join(folder, 'bootstrap-api-key'), 'utf8').trim();

describe('a server', () => {
  test('is ready, and knows its owner by the key in the file', async () => {
    expect((await fetch(`http://${listen}/readyz`)).status).toBe(200);
    expect(await identityFor(ownerKey()).whoAmI({})).toMatchObject({ instanceOwner: true });
  });

  test('takes the access token that it gave for the key', async () => {
    const { accessToken } = await identityFor(ownerKey()).exchangeToken({ apiKey: ownerKey() });
    expect(await identityFor(accessToken).whoAmI({})).toMatchObject({ instanceOwner: true });
  });

  test('serves the template of AWS accounts to anybody', async () => {
    const response = await fetch(`http://${listen}/aws/cloudformation-template.yaml`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/yaml');
    expect(await response.text()).toContain('AWSTemplateFormatVersion');
  });

  test('starts again on its data after it was closed, with the same identities', async () => {
    const before = await identityFor(ownerKey()).whoAmI({});
    await running.close();
    await expect(fetch(`http://${listen}/healthz`)).rejects.toThrow();
    running = await startServer(settings);
    expect((await identityFor(ownerKey()).whoAmI({})).subjectUid).toBe(before.subjectUid);
  }, 60_000);

  test('takes another master key with the one before, and then without it', async () => {
    await running.close();
    const rotated = { ...settings, masterKeySource: 'env:ROTATED_MASTER_KEY' };
    process.env.ROTATED_MASTER_KEY = Buffer.alloc(32, 9).toString('base64');
    await expect(startServer(rotated)).rejects.toThrow('wrong master key');
    const both = await startServer({ ...rotated, previousMasterKeySource: settings.masterKeySource });
    await both.close();
    running = await startServer(rotated);
    expect(await identityFor(ownerKey()).whoAmI({})).toMatchObject({ instanceOwner: true });
  }, 60_000);
});
