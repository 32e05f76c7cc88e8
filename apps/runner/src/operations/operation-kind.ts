import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  OperationInput,
  OperationKind,
  OperationOutputSchema,
  OperationStepState,
  SealedOutputSchema,
} from '@planton/api/runner/v1/operation';
import type { AttemptReference } from '@planton/api/runner/v1/session';
import type { AwsIdentity } from './aws/aws-identity.ts';

/** Tells whoever watches how far an operation is. Never holds a secret. */
export type TellStep = (name: string, state: keyof typeof OperationStepState, detail?: string) => void;

/** What an operation may use besides its input. */
export interface OperationContext {
  readonly attempt: AttemptReference;
  /** Aborted when the operation has to end early; what it answers after that is not looked at. */
  readonly signal: AbortSignal;
  readonly step: TellStep;
  /** X25519 public key that a secret output is sealed to; empty where none was sent. */
  readonly resultPublicKey: Uint8Array;
  /** Whether this is the platform's own runner, which carries out operations for every organisation. */
  readonly platform: boolean;
  readonly aws: AwsIdentity;
  readonly version: string;
  readonly now: () => Date;
}

/** What an operation came to. */
export interface OperationAnswer {
  readonly output: NonNullable<MessageInitShape<typeof OperationOutputSchema>['kind']>;
  readonly sealedOutput?: MessageInitShape<typeof SealedOutputSchema>;
}

type InputCase = NonNullable<OperationInput['kind']['case']>;
type InputOf<Case extends InputCase> = Extract<OperationInput['kind'], { case: Case }>['value'];

/** One kind of operation. */
export interface OperationKindDefinition<Case extends InputCase> {
  readonly kind: OperationKind;
  /** The case of OperationInput that it takes. */
  readonly input: Case;
  /** Whether carrying it out twice does no harm, so that one cut short may go to another instance. */
  readonly repeatable: boolean;
  /**
   * Carries it out.
   *
   * @throws OperationFailed where it does not succeed; anything else counts as a fault of the runner
   */
  run(input: InputOf<Case>, context: OperationContext): Promise<OperationAnswer>;
}

/** A kind with its input's type folded away, as the registry keeps it. */
export interface RegisteredKind {
  readonly kind: OperationKind;
  readonly input: InputCase;
  readonly repeatable: boolean;
  run(input: OperationInput, context: OperationContext): Promise<OperationAnswer>;
}

/** Makes a kind ready for the registry. */
export function defineKind<Case extends InputCase>(
  definition: OperationKindDefinition<Case>,
): RegisteredKind {
  const { kind, input, repeatable } = definition;
  return {
    kind,
    input,
    repeatable,
    run: (given, context) => {
      if (given.kind.case !== input) throw new TypeError(`${input} was given the input of another kind`);
      // The case decides the type of the value, which TypeScript cannot follow through a type parameter.
      return definition.run(given.kind.value as InputOf<Case>, context);
    },
  };
}
