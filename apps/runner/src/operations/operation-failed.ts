import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AwsAccessCauseSchema, OperationErrorKind } from '@planton/api/runner/v1/operation';

/** Why an operation does not succeed, in words that may be shown: message and hint hold no secret. */
export class OperationFailed extends Error {
  readonly kind: keyof typeof OperationErrorKind;
  /** Stable upper-case identifier. */
  readonly reason: string;
  readonly hint: string;
  readonly causes: readonly MessageInitShape<typeof AwsAccessCauseSchema>[];

  constructor(
    kind: keyof typeof OperationErrorKind,
    reason: string,
    message: string,
    extra: {
      readonly hint?: string;
      readonly causes?: readonly MessageInitShape<typeof AwsAccessCauseSchema>[];
    } = {},
  ) {
    super(message);
    this.name = 'OperationFailed';
    this.kind = kind;
    this.reason = reason;
    this.hint = extra.hint ?? '';
    this.causes = extra.causes ?? [];
  }
}
