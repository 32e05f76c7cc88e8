/** A template that this simulator understands whole, its functions in their long form and not evaluated. */
export interface Template {
  readonly description?: string;
  readonly parameters: ReadonlyMap<string, ParameterDefinition>;
  /** As the console is to show the parameters; those that no group names are in none. */
  readonly groups: readonly ParameterGroup[];
  readonly conditions: ReadonlyMap<string, unknown>;
  readonly resources: ReadonlyMap<string, ResourceDefinition>;
  readonly outputs: ReadonlyMap<string, OutputDefinition>;
}

export interface ParameterDefinition {
  readonly name: string;
  readonly type: 'String' | 'Number';
  readonly default?: string;
  readonly allowedValues?: readonly string[];
  readonly allowedPattern?: RegExp;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minValue?: number;
  readonly maxValue?: number;
  readonly description?: string;
  readonly constraintDescription?: string;
  readonly noEcho: boolean;
  /** What the console shows in place of the name. */
  readonly label?: string;
}

export interface ParameterGroup {
  readonly label?: string;
  readonly parameters: readonly string[];
}

export interface ResourceDefinition {
  readonly type: string;
  /** The name of a condition. */
  readonly condition?: string;
  readonly properties: Fields;
  readonly dependsOn: readonly string[];
  /** Whether it stays when the stack no longer has it. */
  readonly retained: boolean;
}

export interface OutputDefinition {
  readonly condition?: string;
  readonly value: unknown;
  readonly description?: string;
}

export type Fields = Readonly<Record<string, unknown>>;
