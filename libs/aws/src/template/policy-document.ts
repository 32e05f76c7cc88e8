/** A policy as IAM reads it. `Value` is a string, or in the template what CloudFormation makes one of. */
export interface PolicyDocument<Value = string> {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement<Value>[];
}

export interface PolicyStatement<Value = string> {
  readonly Sid: string;
  readonly Effect: 'Allow';
  /** In trust policies alone. */
  readonly Principal?: Readonly<Record<string, Value>>;
  readonly Action: string | readonly string[];
  /** In permission policies alone. */
  readonly Resource?: Value | readonly Value[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, Value | readonly Value[]>>>>;
}

export function policyDocument<Value>(statements: readonly PolicyStatement<Value>[]): PolicyDocument<Value> {
  return { Version: '2012-10-17', Statement: statements };
}
