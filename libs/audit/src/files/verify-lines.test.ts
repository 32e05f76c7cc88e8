import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSigningKey } from '../keys/signing-key.ts';
import type { TrailRecord } from '../records/encode-record.ts';
import { signCheckpoint } from '../seals/checkpoint.ts';
import { emptyHead, sealRecords, type TrailHead } from '../seals/seal.ts';
import { checkpointLine, recordLine, sealLine } from './format-lines.ts';
import { verifyLines } from './verify-lines.ts';

const key = createSigningKey(Buffer.alloc(32, 1));
const stranger = createSigningKey(Buffer.alloc(32, 2));
const isTrusted = (publicKey: Uint8Array) => key.publicKey.equals(publicKey);

function recordOf(service: string, sequence: number): TrailRecord {
  return {
    service,
    organization_uid: 'org',
    sequence,
    uid: `uid-${sequence}`,
    record_time: '2026-01-31T12:00:00.000001Z',
    action: 'secret.access',
    actor_uid: 'ada-uid',
    actor_name: 'Ada',
    via_service: 'connection-service',
    api_key_uid: 'key-uid',
    resource_kind: 'secret',
    resource_uid: 'secret-uid',
    resource_slug: 'db',
    environment: 'production',
    version: 3,
    request_id: 'request',
    purpose: 'deploy',
    outcome: 'succeeded',
    peer_address: '127.0.0.1',
    details: { reason: 'x' },
  };
}

/** An export of one service, with as many seals as sizes. */
function exportOf(service: string, sizes: readonly number[], signer = key, first = 1): string[] {
  const lines: string[] = [];
  let head: TrailHead = emptyHead;
  let sequence = 0;
  const trail = { service, organization_uid: 'org' };
  sizes.forEach((size, index) => {
    const records = Array.from({ length: size }, () => recordOf(service, ++sequence));
    const { seal } = sealRecords({ trail, head, records, time: '2026-01-31T12:00:01.000000Z', key: signer });
    head = seal;
    if (index + 1 < first) return;
    lines.push(...records.map((record) => recordLine(record, seal.number)), sealLine(seal));
  });
  lines.push(checkpointLine(signCheckpoint(trail, head, sizes.length > 0 ? first : 0, 'now', signer)));
  return lines;
}

const clean = async (lines: readonly string[]) => (await verifyLines(lines, isTrusted)).findings.length === 0;

describe('an exported file', () => {
  test('that nobody touched is as it was written, whole or in part', async () => {
    const lines = [...exportOf('identity', [2, 1, 3]), ...exportOf('config-manager', [])];
    expect(await verifyLines(lines, isTrusted)).toMatchObject({ findings: [], records: 6, seals: 3 });
    expect(await clean(exportOf('identity', [2, 1, 3], key, 2))).toBe(true);
  });

  test('is found damaged whichever line is removed, repeated or exchanged', async () => {
    const lines = exportOf('identity', [2, 1, 3]);
    for (let at = 0; at < lines.length; at += 1) {
      expect(await clean(lines.toSpliced(at, 1)), `without line ${at}`).toBe(false);
      expect(await clean(lines.toSpliced(at, 0, lines[at] as string)), `line ${at} twice`).toBe(false);
      expect(await clean(lines.slice(0, at)), `cut at ${at}`).toBe(false);
      for (let other = at + 1; other < lines.length; other += 1) {
        const exchanged = lines.with(at, lines[other] as string).with(other, lines[at] as string);
        expect(await clean(exchanged), `lines ${at} and ${other} exchanged`).toBe(false);
      }
    }
  });

  test('is found damaged whichever character is changed', async () => {
    const lines = exportOf('identity', [2, 1]);
    const places = lines.flatMap((line, at) => Array.from(line, (_, index) => [at, index] as const));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.constantFrom('0', 'x', ' ', '"'), async (place, by) => {
        const [at, index] = place;
        const line = lines[at] as string;
        fc.pre(line[index] !== by);
        const changed = lines.with(at, line.slice(0, index) + by + line.slice(index + 1));
        expect(await clean(changed)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test('is found damaged where a record states another seal, the first of a trail too', async () => {
    for (const [at, stated] of [
      [0, 0],
      [1, 2],
      [3, 1],
    ] as const) {
      const lines = exportOf('identity', [2, 1]);
      const changed = (lines[at] as string).replace(/"seal":\d+/, `"seal":${stated}`);
      expect((await verifyLines(lines.with(at, changed), isTrusted)).findings, `line ${at}`).toMatchObject([
        { kind: 'record_changed', seal_number: at === 3 ? 2 : 1 },
      ]);
    }
  });

  test('names the record that was changed', async () => {
    const lines = exportOf('identity', [2]);
    const changed = lines.with(1, (lines[1] as string).replace('"Ada"', '"Eve"'));
    expect((await verifyLines(changed, isTrusted)).findings).toMatchObject([
      { kind: 'record_changed', record_uid: 'uid-2', seal_number: 1 },
    ]);
  });

  test('is refused when another key signed it', async () => {
    const { findings } = await verifyLines(exportOf('identity', [2], stranger), isTrusted);
    expect(findings.map(({ kind }) => kind)).toEqual(['seal_signature_wrong', 'seal_signature_wrong']);
  });

  test('is refused when it says the same in another way, or one field twice', async () => {
    const lines = exportOf('identity', [1]);
    const [record] = lines as [string];
    const spaced = JSON.stringify(JSON.parse(record), null, 1).replaceAll('\n', '');
    const doubled = record.replace('{"type"', '{"actor_name":"Eve","type"');
    expect(await clean(lines.with(0, spaced))).toBe(false);
    expect(await clean(lines.with(0, doubled))).toBe(false);
  });

  test('that is garbage is damaged and breaks nothing', async () => {
    expect(await clean([])).toBe(false);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.string(), fc.json())), async (lines) => {
        expect(await clean(lines)).toBe(false);
      }),
    );
  });
});
