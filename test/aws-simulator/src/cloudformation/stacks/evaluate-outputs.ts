import { evaluate, type Scope, scalarOf } from '../templates/evaluate.ts';
import type { Template } from '../templates/template.ts';
import { isWanted } from './scope.ts';

export function evaluateOutputs(template: Template, scope: Scope): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...template.outputs]
      .filter(([, output]) => isWanted(output, scope))
      .map(([name, { value }]) => [name, scalarOf(evaluate(value, scope), `output ${name}`)]),
  );
}
