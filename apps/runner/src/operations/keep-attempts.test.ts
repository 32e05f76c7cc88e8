import { create } from '@bufbuild/protobuf';
import {
  AssignmentSchema,
  type AttemptReference,
  AttemptReferenceSchema,
} from '@planton/api/runner/v1/session';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collectLog } from '../testing/collect-log.ts';
import { pingKind } from '../testing/use-runner.ts';
import { createAwsIdentity } from './aws/aws-identity.ts';
import { type AttemptFrame, type Attempts, keepAttempts } from './keep-attempts.ts';

const monotonic = () => performance.now();
const reference = (operationUid: string, attempt: number) =>
  create(AttemptReferenceSchema, { operationUid, attempt });
const assignment = create(AssignmentSchema, {
  input: { kind: { case: 'ping', value: {} } },
  timeout: { seconds: 60n },
});
const keyOf = ({ operationUid, attempt }: AttemptReference) => `${operationUid}/${attempt}`;

/** Attempts whose operations end when the test says so. */
function createHeld(maxInFlight = 3) {
  const waiting = new Map<string, () => void>();
  const attempts = keepAttempts({
    maxInFlight,
    monotonic,
    kinds: [
      pingKind(
        ({ attempt }) =>
          new Promise((resolve) => {
            waiting.set(keyOf(attempt), resolve);
          }),
      ),
    ],
    logger: collectLog().logger,
    now: () => new Date(),
    platform: false,
    version: 'test',
    aws: createAwsIdentity({ env: {}, version: 'test', monotonic }),
  });
  return { attempts, finish: (attempt: AttemptReference) => waiting.get(keyOf(attempt))?.() };
}

/** Lets everything that was resolved come to its end. */
const settleDown = () => new Promise((resolve) => setImmediate(resolve));

const uid = fc.constantFrom('a', 'b', 'c', 'd');
const attempt = fc
  .tuple(uid, fc.integer({ min: 1, max: 3 }))
  .map(([name, number]) => reference(name, number));
type Step =
  | { readonly do: 'assign' | 'cancel' | 'acknowledge' | 'finish'; readonly attempt: AttemptReference }
  | { readonly do: 'lose' | 'connect' | 'abandon' }
  | { readonly do: 'take'; readonly taking: boolean };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: attempt.map((given) => ({ do: 'assign' as const, attempt: given })) },
  { weight: 4, arbitrary: attempt.map((given) => ({ do: 'finish' as const, attempt: given })) },
  { weight: 2, arbitrary: attempt.map((given) => ({ do: 'cancel' as const, attempt: given })) },
  { weight: 4, arbitrary: attempt.map((given) => ({ do: 'acknowledge' as const, attempt: given })) },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ do: 'lose' }, { do: 'connect' }) },
  { weight: 1, arbitrary: fc.boolean().map((taking) => ({ do: 'take' as const, taking })) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'abandon' }) },
);

function check(attempts: Attempts, maxInFlight: number): void {
  const { inFlight, unacknowledged } = attempts.known();
  const operations = [...inFlight, ...unacknowledged].map(({ operationUid }) => operationUid);
  expect(new Set(operations).size).toBe(operations.length);
  expect(inFlight.length).toBe(attempts.inFlight());
  expect(inFlight.length).toBeLessThanOrEqual(maxInFlight);
  expect(attempts.isSettled()).toBe(operations.length === 0);
}

describe('whatever happens in whatever order', () => {
  test('no two attempts of an operation are known, and what is said is about attempts that are known', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { attempts, finish } = createHeld();
        let frames: AttemptFrame[] = [];
        let detach = attempts.attach((frame) => frames.push(frame));
        for (const each of steps) {
          const before = attempts.known();
          frames = [];
          switch (each.do) {
            case 'assign':
              expect(attempts.assign(assignment, each.attempt)).toBe(true);
              break;
            case 'cancel':
              attempts.cancel(each.attempt);
              break;
            case 'acknowledge':
              attempts.acknowledge(each.attempt);
              break;
            case 'finish':
              finish(each.attempt);
              break;
            case 'lose':
              detach();
              break;
            case 'connect':
              detach();
              detach = attempts.attach((frame) => frames.push(frame));
              // Everything that was not acknowledged is said again, once.
              expect(frames.map(({ case: name }) => name)).toEqual(before.unacknowledged.map(() => 'result'));
              break;
            case 'take':
              attempts.take(each.taking);
              break;
            case 'abandon':
              attempts.abandon();
              break;
          }
          await settleDown();
          check(attempts, 3);
          const after = attempts.known();
          const known = new Set([...after.inFlight, ...after.unacknowledged].map(keyOf));
          for (const frame of frames) {
            const said = frame.value.attempt && keyOf(create(AttemptReferenceSchema, frame.value.attempt));
            expect(known).toContain(said);
          }
        }
        attempts.abandon();
        await settleDown();
        for (const left of attempts.known().unacknowledged) attempts.acknowledge(left);
        await attempts.settled();
        check(attempts, 3);
      }),
      { numRuns: 150 },
    );
  });

  test('an attempt that is kept stays, and one that is not kept goes without a word', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(uid, { minLength: 1 }),
        fc.uniqueArray(uid),
        fc.uniqueArray(uid),
        async (assigned, finished, kept) => {
          const { attempts, finish } = createHeld(10);
          for (const name of assigned) attempts.assign(assignment, reference(name, 1));
          for (const name of finished) finish(reference(name, 1));
          await settleDown();
          const named = attempts.known();
          attempts.reconcile(
            named,
            kept.map((name) => reference(name, 1)),
          );
          await settleDown();
          const frames: AttemptFrame[] = [];
          attempts.attach((frame) => frames.push(frame));
          const left = assigned.filter((name) => kept.includes(name)).sort();
          const { inFlight, unacknowledged } = attempts.known();
          expect([...inFlight, ...unacknowledged].map(({ operationUid }) => operationUid).sort()).toEqual(
            left,
          );
          for (const name of assigned) finish(reference(name, 1));
          await settleDown();
          const results = frames.map((frame) => frame.value.attempt?.operationUid);
          expect(results.sort()).toEqual(left);
        },
      ),
    );
  });
});

test('more than a hello can name is not taken', () => {
  const { attempts } = createHeld(1);
  attempts.take(false);
  for (let i = 0; i < 1_000; i++) expect(attempts.assign(assignment, reference(`op-${i}`, 1))).toBe(true);
  expect(attempts.assign(assignment, reference('one more', 1))).toBe(false);
  attempts.acknowledge(reference('op-7', 1));
  expect(attempts.assign(assignment, reference('one more', 1))).toBe(true);
});
