import { createHash } from 'node:crypto';
import { AwsTrustProbeKind } from '@planton/api/runner/v1/operation';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeProbes, type RandomBytes } from './make-probes.ts';

const { NONE, WRONG, TRUNCATED, EXTENDED, CASE_FLIPPED } = AwsTrustProbeKind;
const bytes: RandomBytes = (size) =>
  Buffer.concat(
    Array.from({ length: Math.ceil(size / 32) }, (_, index) =>
      createHash('sha256').update(`${index}`).digest(),
    ),
  ).subarray(0, size);
const idOf = (externalId: string, kind: AwsTrustProbeKind, random = bytes) =>
  makeProbes(externalId, random).find((probe) => probe.kind === kind)?.externalId;

test('each way of having it wrong, of an external ID as the platform makes them', () => {
  const externalId = '0a1b2c3d'.repeat(8);
  expect(makeProbes(externalId, bytes).map(({ kind }) => kind)).toEqual([
    NONE,
    WRONG,
    TRUNCATED,
    EXTENDED,
    CASE_FLIPPED,
  ]);
  expect(idOf(externalId, NONE)).toBe('');
  expect(idOf(externalId, WRONG)).toMatch(/^[0-9a-f]{64}$/);
  expect(idOf(externalId, TRUNCATED)).toBe(externalId.slice(0, 63));
  expect(idOf(externalId, EXTENDED)).toBe(`${externalId}0`);
  expect(idOf(externalId, CASE_FLIPPED)).toBe(externalId.toUpperCase());
});

test('one that has no letters is not flipped, and one that is too short is not cut', () => {
  expect(idOf('0123456789', CASE_FLIPPED)).toBeUndefined();
  expect(idOf('ab', TRUNCATED)).toBeUndefined();
  expect(idOf('a'.repeat(1_224), EXTENDED)).toBeUndefined();
});

test('a source of randomness that answers the external ID itself does not make a right one', () => {
  expect(idOf('0000', WRONG, (size) => new Uint8Array(size))).toBe('xxxx');
  expect(idOf('--', WRONG)).toBe('xx');
});

test('whatever the external ID is, no probe is it, and all are of the form that STS takes', () => {
  const characters = fc.constantFrom(...'abcxyzABCXYZ0189_+=,.@:/-');
  fc.assert(
    fc.property(
      fc.string({ unit: characters, minLength: 2, maxLength: 1_224 }),
      fc.uint8Array({ minLength: 1, maxLength: 32 }),
      (externalId, seed) => {
        const random: RandomBytes = (size) =>
          Uint8Array.from({ length: size }, (_, i) => seed[i % seed.length] ?? 0);
        const probes = makeProbes(externalId, random);
        expect(probes.length).toBeGreaterThanOrEqual(3);
        for (const { externalId: tried } of probes) {
          expect(tried).not.toBe(externalId);
          expect(tried).toMatch(/^([\w+=,.@:/-]{2,1224})?$/);
        }
        expect(new Set(probes.map(({ kind }) => kind)).size).toBe(probes.length);
      },
    ),
  );
});
