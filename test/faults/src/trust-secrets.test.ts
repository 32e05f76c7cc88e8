import { Code } from '@connectrpc/connect';
import { Role } from '@planton/api/identity/v1/organization';
import { createPlanton, type Planton } from '@planton/client';
import { connectAccount } from '@planton/test-platform';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findLeaks, findLeaksInFiles } from './find-leaks.ts';
import { awsManifest } from './manifest.ts';
import { listProcesses } from './measure-process.ts';
import { expectRefusal, refusalOf } from './refusal.ts';
import { ACCOUNT, startTrustRig, type TrustRig } from './start-trust-rig.ts';

// What cross-account trust keeps to itself: who may not use it, the external ID that is the server's alone, and the secrets that are
// nowhere but where they have to be. The server runs at its most talkative log level.

const CONNECTION = 'prod-aws';
const SECRET = `${CONNECTION}-external-id`;

let rig: TrustRig;
let viewer: Planton;
let stranger: Planton;
/** What must not be found anywhere. */
const secrets: Record<string, string> = {};
/** What commands wrote that have no reason to show a secret. */
let transcript = '';
/** Command lines, with the environment, of all processes at moments when the secrets were in use. */
let processes = '';

const run = async (...args: string[]) => {
  const result = await rig.platform.cli(args);
  transcript += `${result.stdout}${result.stderr}`;
  return result;
};
const listAll = async () => {
  processes += (await listProcesses()).map(({ command }) => command).join('\n');
};
const clientOf = async (org: string, role: Role) => {
  const { key } = await rig.owner.identity.createApiKey({ org, name: `${org}-${role}`, role });
  return createPlanton({ server: rig.platform.url, apiKey: key });
};

beforeAll(async () => {
  rig = await startTrustRig({ logLevel: 'debug' });
  await rig.owner.identity.createOrganization({ slug: 'globex' });
  viewer = await clientOf('acme', Role.VIEWER);
  stranger = await clientOf('globex', Role.ADMIN);
  const args = ['--name', CONNECTION, '--org', 'acme', '--account-id', ACCOUNT, '--no-browser'];
  const connecting = connectAccount(rig.platform, args);
  const link = await connecting.link;
  const parameters = new URLSearchParams(link.split('?').at(-1));
  secrets.token = parameters.get('param_CallbackToken') ?? '';
  secrets.externalId = parameters.get('param_ExternalId') ?? '';
  await listAll();
  await rig.aws.quickCreate(link);
  const { code, stdout } = await connecting.ended;
  expect(code).toBe(0);
  transcript += stdout;
}, 120_000);
afterAll(() => rig?.stop());

const setup = () => ({ org: 'acme', name: 'another', accountId: ACCOUNT, region: 'us-west-2' });
const first = async <Message>(stream: AsyncIterable<Message>) => {
  for await (const message of stream) return message;
  throw new Error('the stream was empty');
};

describe('who may not', () => {
  test('a viewer sees how far a set-up is, and begins, verifies and uses nothing', async () => {
    const shown = await viewer.connections.getAwsTrustSetup({ org: 'acme', connection: CONNECTION });
    const watched = await first(
      viewer.connections.watchAwsTrustSetup({ org: 'acme', setupUid: shown.setup?.uid ?? '' }),
    );
    expect(watched.setup?.uid).toBe(shown.setup?.uid);
    const text = JSON.stringify([shown, watched], (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(findLeaks(secrets, Buffer.from(text), 'what a viewer sees')).toEqual([]);
    const refused = [
      viewer.connections.initiateAwsTrustSetup(setup()),
      viewer.connections.initiateAwsTrustSetup({ ...setup(), name: CONNECTION, reconnect: true }),
      viewer.connections.issueCredentials({ org: 'acme', connection: CONNECTION }),
      first(viewer.connections.verifyConnection({ org: 'acme', connection: CONNECTION })),
      viewer.config.accessSecret({ org: 'acme', slug: SECRET }),
    ];
    for (const { code } of await Promise.all(refused.map(refusalOf)))
      expect(code).toBe(Code.PermissionDenied);
  });

  test('to a member of another organisation nothing is there, as if the organisation were not', async () => {
    const { setup: shown } = await rig.owner.connections.getAwsTrustSetup({
      org: 'acme',
      connection: CONNECTION,
    });
    const setupUid = shown?.uid ?? '';
    const calls = (org: string) => [
      stranger.connections.initiateAwsTrustSetup({ ...setup(), org }),
      stranger.connections.getAwsTrustSetup({ org, setupUid }),
      first(stranger.connections.watchAwsTrustSetup({ org, setupUid })),
      stranger.connections.issueCredentials({ org, connection: CONNECTION }),
      first(stranger.connections.verifyConnection({ org, connection: CONNECTION })),
      stranger.config.accessSecret({ org, slug: SECRET }),
    ];
    const tell = async (org: string) =>
      (await Promise.all(calls(org).map(refusalOf))).map(({ code, reason, message }) => ({
        code,
        reason,
        message: message.replaceAll(org, '…'),
      }));
    const there = await tell('acme');
    expect(there).toEqual(await tell('nowhere'));
    expect(new Set(there.map(({ code }) => code))).toEqual(new Set([Code.NotFound]));
    // By its uid in the name of their own organisation, no more than one that does not exist.
    for (const uid of [setupUid, '00000000-0000-4000-8000-000000000000']) {
      const own = { org: 'globex', setupUid: uid };
      expect((await refusalOf(stranger.connections.getAwsTrustSetup(own))).code).toBe(Code.NotFound);
      expect((await refusalOf(first(stranger.connections.watchAwsTrustSetup(own)))).code).toBe(Code.NotFound);
    }
  });

  test('without a token, nothing', async () => {
    const nobody = createPlanton({ server: rig.platform.url, apiKey: 'nobody' });
    const calls = [
      nobody.connections.initiateAwsTrustSetup(setup()),
      nobody.connections.getAwsTrustSetup({ org: 'acme', connection: CONNECTION }),
      first(nobody.connections.watchAwsTrustSetup({ org: 'acme', setupUid: 'x' })),
    ];
    for (const { code } of await Promise.all(calls.map(refusalOf))) expect(code).toBe(Code.Unauthenticated);
  });

  test('what services do with secrets of the server nobody else does, not even the owner', async () => {
    const { connection } = await rig.owner.connections.getConnection({ org: 'acme', connection: CONNECTION });
    const uid = connection?.kind.value?.metadata?.uid ?? '';
    const { secret } = await rig.owner.config.getSecret({ org: 'acme', slug: SECRET });
    const { organizations } = await rig.owner.identity.listOrganizations({});
    const organizationUid = organizations.find(({ slug }) => slug === 'acme')?.uid ?? '';
    const named = { organizationUid, secretUid: secret?.uid ?? '', ownerUid: uid };
    const owner = { kind: 'AwsProviderConnection', uid, slug: CONNECTION };
    const calls = [rig.owner, viewer, stranger].flatMap(({ config }) => [
      config.mintOwnedSecret({ org: 'acme', organizationUid, secretUid: uid, owner, slug: 'mine' }),
      config.accessOwnedSecret(named),
      config.retireOwnedSecret(named),
    ]);
    for (const { code } of await Promise.all(calls.map(refusalOf))) expect(code).toBe(Code.PermissionDenied);
  });
});

describe('the external ID', () => {
  test.each([
    ['set', ['set', SECRET, 'value=mine']],
    ['merged', ['set', SECRET, 'value=mine', '--merge']],
    ['rolled back', ['rollback', SECRET, '--version', '1']],
    ['deleted', ['delete', SECRET]],
    ['destroyed', ['destroy', SECRET, '--version', '1', '--yes']],
  ])('cannot be %s by people', async (_, args) => {
    const result = await run('secret', ...args);
    expectRefusal(result, 5, /belongs to a connection/, /planton secret usages/);
  });

  test('cannot be borrowed by another connection', async () => {
    for (const field of ['access_key_id', 'secret_access_key']) {
      const input = awsManifest('borrower', { [field]: `{ secret: ${SECRET} }` });
      await rig.platform.cli(['secret', 'set', 'key-id', 'value=AKIAIOSFODNN7EXAMPLE']);
      await rig.platform.cli(['secret', 'set', 'key', 'value=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY']);
      const result = await rig.platform.cli(['apply', '-f', '-'], { input });
      expectRefusal(result, 5, /belongs to/);
    }
    expect(await rig.connections()).toEqual([CONNECTION]);
  });

  test('cannot be chosen by whoever takes its name first', async () => {
    await run('secret', 'set', 'squatted-external-id', `value=${'b'.repeat(64)}`);
    const begun = await rig.begin('squatted');
    expect(begun.setup.externalIdSecret).not.toBe('squatted-external-id');
    expect(begun.externalId).toMatch(/^[0-9a-f]{64}$/);
    expect(begun.externalId).not.toBe('b'.repeat(64));
    Object.assign(secrets, { otherToken: begun.token, otherExternalId: begun.externalId });
  });

  test('is what it was: the connection works', async () => {
    const { code, stdout } = await run('connection', 'verify', CONNECTION);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('kept out others') });
    const { entries } = await rig.owner.config.accessSecret({ org: 'acme', slug: SECRET });
    expect(Object.values(entries)).toEqual([secrets.externalId]);
  });
});

describe('the token of the link, the external ID and the credentials of a session', () => {
  test('are with whoever has to have them', async () => {
    const child = `
      const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN: token } = process.env;
      fetch(url, { headers: { authorization: token } }).then((answer) => answer.json()).then((key) => {
        const { execFileSync } = require('node:child_process');
        const ps = execFileSync('ps', ['axeww', '-o', 'command='], { maxBuffer: 1e8 }).toString();
        process.stdout.write(JSON.stringify({ key, ps }));
      });`;
    const args = ['connection', 'exec', '--connection', CONNECTION, '--', process.execPath, '-e', child];
    const { key, ps } = JSON.parse(await rig.platform.planton(...args));
    secrets.sessionKey = key.SecretAccessKey;
    secrets.sessionToken = key.Token;
    processes += ps;
    const issued = await rig.owner.connections.issueCredentials({ org: 'acme', connection: CONNECTION });
    secrets.issuedKey = issued.credentials.value?.secretAccessKey ?? '';
    for (const [name, secret] of Object.entries(secrets)) expect(secret.length, name).toBeGreaterThan(30);
    expect(ps).toContain('connection exec');
  });

  test('are in no output, audit, operation, log, file or process', async () => {
    await listAll();
    for (const args of [
      ['audit', 'list', '-o', 'json'],
      ['get', 'aws', CONNECTION, '-o', 'yaml'],
      ['secret', 'get', SECRET, '-o', 'json'],
      ['secret', 'versions', SECRET, '-o', 'json'],
      ['operation', 'list', '-o', 'json'],
      ['connection', 'list', '-o', 'json'],
    ])
      expect((await run(...args)).code, args.join(' ')).toBe(0);
    const { operations } = await rig.owner.runners.listOperations({ org: 'acme' });
    expect(operations.length).toBeGreaterThan(1);
    for (const { uid } of operations) await run('operation', 'get', uid, '-o', 'json');
    expect(transcript).toContain('trust_setup.complete');
    expect(findLeaks(secrets, Buffer.from(transcript), 'the output of a command')).toEqual([]);
    expect(findLeaks(secrets, Buffer.from(rig.platform.log()), 'the log')).toEqual([]);
    expect(findLeaks(secrets, Buffer.from(processes), 'a process')).toEqual([]);
    for (const { log } of rig.aws.invocations())
      expect(findLeaks(secrets, Buffer.from(log), 'the log of the function')).toEqual([]);
    await rig.platform.end('SIGTERM');
    expect(findLeaksInFiles(secrets, rig.platform.dataDir)).toEqual([]);
    expect(findLeaksInFiles(secrets, rig.platform.home)).toEqual([]);
  }, 90_000);
});
