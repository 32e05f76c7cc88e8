import { VerificationStepStateSchema } from '@planton/api/connect/v1/connection_service';
import type { ConnectionVerification } from '@planton/api/connect/v1/connection_status';
import type { ConnectionClient } from './use-test-service.ts';

export interface CollectedVerification {
  /** Each as `NAME: state`, with its detail after a dash where it has one. */
  readonly steps: readonly string[];
  readonly result: ConnectionVerification;
}

/** Verifies a connection and waits for the end. Throws where anything follows the result, or nothing is the result. */
export async function verify(
  client: ConnectionClient,
  org: string,
  connection: string,
): Promise<CollectedVerification> {
  const steps: string[] = [];
  let result: ConnectionVerification | undefined;
  for await (const { event } of client.verifyConnection({ org, connection })) {
    if (result) throw new Error('something followed the result');
    if (event.case === 'result') result = event.value;
    if (event.case !== 'step') continue;
    const { name, state, detail } = event.value;
    steps.push(
      `${name}: ${VerificationStepStateSchema.value[state]?.localName.toLowerCase()}${detail === '' ? '' : ` - ${detail}`}`,
    );
  }
  if (!result) throw new Error('there was no result');
  return { steps, result };
}
