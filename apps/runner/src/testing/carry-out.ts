import { type MessageInitShape, toJson } from '@bufbuild/protobuf';
import {
  type OperationInputSchema,
  type OperationOutput,
  OperationStepStateSchema,
} from '@planton/api/runner/v1/operation';
import { type Result, ResultSchema } from '@planton/api/runner/v1/session';
import { expect } from 'vitest';
import { ACCOUNT_KEY, EXTERNAL_ID, RUNNER_KEY } from './use-aws.ts';
import type { RunnerRig } from './use-runner.ts';

/** An operation that was carried out. */
export interface CarriedOut {
  readonly result: Result;
  /** Each as `NAME: state`, with its detail after a dash where it has one. */
  readonly steps: readonly string[];
}

/** Has a runner of its own carry out one operation. Nothing that it says or logs holds a key or the external ID. */
export async function carryOut(
  { gateway, start, log }: RunnerRig,
  kind: NonNullable<MessageInitShape<typeof OperationInputSchema>['kind']>,
  options: { readonly platform?: boolean; readonly resultPublicKey?: Uint8Array } = {},
): Promise<CarriedOut> {
  const { platform = false, resultPublicKey } = options;
  await start({ platform });
  const session = await gateway.session(gateway.sessions.length);
  session.assign('op', kind, resultPublicKey ? { resultPublicKey } : {});
  const result = await session.result('op');
  const steps = session.frames.flatMap((frame) => {
    const step = frame.case === 'output' ? frame.value.step : undefined;
    if (!step) return [];
    const state = OperationStepStateSchema.value[step.state]?.localName.toLowerCase();
    return [`${step.name}: ${state}${step.detail === '' ? '' : ` - ${step.detail}`}`];
  });
  expectNoSecret(JSON.stringify([toJson(ResultSchema, result), steps]), log.text());
  return { result, steps };
}

export function expectNoSecret(...texts: readonly string[]): void {
  for (const text of texts)
    for (const secret of [
      ACCOUNT_KEY.secretAccessKey,
      RUNNER_KEY.secretAccessKey,
      ACCOUNT_KEY.accessKeyId,
      RUNNER_KEY.accessKeyId,
      EXTERNAL_ID,
    ])
      expect(text).not.toContain(secret);
}

/** What an operation answered that succeeded. */
export function outputOf<Case extends NonNullable<OperationOutput['kind']['case']>>(
  { outcome }: Result,
  name: Case,
): Extract<OperationOutput['kind'], { case: Case }>['value'] {
  if (outcome.case !== 'succeeded' || outcome.value.kind.case !== name)
    throw new Error(`it did not succeed: ${outcome.case} ${outcome.value?.$typeName}`);
  return outcome.value.kind.value as never;
}

export function errorOf({ outcome }: Result) {
  if (outcome.case !== 'failed') throw new Error(`it did not fail: ${outcome.case}`);
  return outcome.value;
}
