import type { OperationInput } from '@planton/api/runner/v1/operation';
import { denied, internal, invalid } from '@planton/rpc';
import type { KindRules, OperationKinds } from './operation-kind.ts';

/** Milliseconds that an operation may take which has to do with credentials. */
const LONGEST_WITH_CREDENTIALS_MS = 30_000;
const RESULT_KEY_BYTES = 32;

/** An input with the rules of its kind. */
export interface CheckedInput {
  readonly rules: KindRules;
  readonly input: OperationInput;
  /** The case of the input, as the rules take it. */
  readonly kindInput: Parameters<KindRules['isPublic']>[0];
}

/** The rules of an input's kind. Throws `OPERATION_KIND_UNKNOWN` for one that this release does not know. */
export function rulesOf(kinds: OperationKinds, input: OperationInput | undefined): CheckedInput {
  const rules = kinds.get(input?.kind.case ?? '');
  if (!rules || !input?.kind.value) {
    throw invalid('OPERATION_KIND_UNKNOWN', 'input: this server does not know such operations', {
      hint: 'planton version shows the release of the server',
    });
  }
  return { rules, input, kindInput: input.kind.value };
}

export function notPublic() {
  return denied('OPERATION_NOT_PUBLIC', 'only a connection may have this carried out, with what it holds', {
    hint: 'planton connection verify NAME',
  });
}

/**
 * What a connection may ask for: a short time where credentials are about, and a key where the output is secret. Throws
 * `TIMEOUT_TOO_LONG`, `RESULT_KEY_INVALID`.
 */
export function checkConnectionOrder(
  { rules, kindInput }: CheckedInput,
  { timeoutMs, resultPublicKey }: { readonly timeoutMs: number; readonly resultPublicKey: Uint8Array },
): void {
  if (rules.carriesCredentials(kindInput) && timeoutMs > LONGEST_WITH_CREDENTIALS_MS) {
    throw invalid('TIMEOUT_TOO_LONG', 'timeout: at most 30 seconds where credentials are about');
  }
  if (rules.needsResultKey && resultPublicKey.length !== RESULT_KEY_BYTES) {
    throw invalid('RESULT_KEY_INVALID', 'result_public_key: has to be an X25519 public key, 32 bytes');
  }
  if (!rules.needsResultKey && resultPublicKey.length > 0) {
    throw invalid('RESULT_KEY_INVALID', 'result_public_key: operations of this kind have no secret output');
  }
}

/** Throws where the platform runner is never asked for such a thing: `PLATFORM_RUNNER_REFUSES`. A fault of the service that asks. */
export function checkPlatformOrder({ rules, kindInput }: CheckedInput): void {
  const refusal = rules.refusalOnPlatform(kindInput);
  if (refusal !== undefined) throw internal('PLATFORM_RUNNER_REFUSES', refusal);
}
