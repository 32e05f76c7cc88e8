import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { ResolveRequest, Snapshot } from './decision.ts';

const CASES = join(import.meta.dirname, '..', 'cases');

export interface ResolutionCase {
  readonly name: string;
  readonly request: ResolveRequest;
  readonly snapshot: Snapshot;
}

/**
 * Every case in `cases/`, by name. In `input.yaml` whatever is left out of `snapshot` is null or false; a key that means nothing
 * is an error, so that a misspelt case cannot pass for an empty one.
 */
export function loadCases(): ResolutionCase[] {
  return readdirSync(CASES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => loadCase(name))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** The committed result of a case. */
export function readExpected(name: string): unknown {
  return JSON.parse(readFileSync(join(CASES, name, 'expected.json'), 'utf8'));
}

export function writeExpected(name: string, result: unknown): void {
  writeFileSync(join(CASES, name, 'expected.json'), `${JSON.stringify(result, null, 2)}\n`);
}

/** Whether expected results are to be rewritten. Throws in CI, where that would make every case pass. */
export function isUpdating(environment: Readonly<Record<string, string | undefined>>): boolean {
  if (!environment.UPDATE_GOLDEN) return false;
  if (environment.CI) throw new Error('UPDATE_GOLDEN rewrites the specification and must not be set in CI');
  return true;
}

function loadCase(name: string): ResolutionCase {
  const input: unknown = parse(readFileSync(join(CASES, name, 'input.yaml'), 'utf8'));
  const { request, snapshot } = fieldsOf(input, ['request', 'snapshot'], name);
  fieldsOf(request, ['organization', 'provider', 'environment', 'connection'], `${name}: request`);
  const read = fieldsOf(
    snapshot ?? {},
    ['explicit', 'environmentDefault', 'organizationDefault', 'requireAuthorization'],
    `${name}: snapshot`,
  );
  return {
    name,
    request: request as ResolveRequest,
    snapshot: {
      explicit: null,
      environmentDefault: null,
      organizationDefault: null,
      requireAuthorization: false,
      ...read,
    },
  };
}

function fieldsOf(value: unknown, allowed: readonly string[], where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error(`${where} must be a mapping`);
  const unknown = Object.keys(value).filter((key) => !allowed.includes(key));
  if (unknown.length > 0) throw new Error(`${where} has unknown keys: ${unknown.join(', ')}`);
  return { ...value };
}
