import { ConnectionSource } from '@planton/api/connect/v1/resolution';
import { type Decision, type Level, type Resolution, resolveConnection } from '@planton/connection-resolver';
import { type Database, shareReads } from '@planton/database';
import { DomainError, type Scope } from '@planton/rpc';
import type { ConnectTables } from '../schema.ts';
import { type ResolvedConnection, readSnapshot } from './resolution-store.ts';

export interface Question {
  /** Empty where none is asked for. */
  readonly provider: string;
  /** Slug or name; empty where the default is asked for. */
  readonly connection: string;
}

export type Answer = Extract<Resolution<ResolvedConnection>, { ok: true }>;

/**
 * Which connection applies, from one statement that began after the question was asked. Those who ask the very same share the statement
 * and the answer, which is not to be changed; see `shareReads`. Throws the resolver's error where none applies, with the whole decision,
 * level by level, in its violations.
 */
export type DecideConnection = (scope: Scope, question: Question, withSpec: boolean) => Promise<Answer>;

export const sources: Readonly<Record<Level, ConnectionSource>> = {
  explicit: ConnectionSource.EXPLICIT,
  environment: ConnectionSource.ENVIRONMENT,
  organization: ConnectionSource.ORGANIZATION,
};

interface Asked extends Scope, Question {
  readonly withSpec: boolean;
}

export function createDecider(database: Database<ConnectTables>): DecideConnection {
  const resolve = shareReads<Asked, Resolution<ResolvedConnection>>({
    read: (asked) => readResolution(database, asked),
    keyOf: textOf,
  });
  return async ({ organization, environment }, { provider, connection }, withSpec) => {
    const resolution = await resolve({
      organization,
      ...(environment && { environment }),
      provider,
      connection,
      withSpec,
    });
    if (!resolution.ok) throw refusal(resolution.error, resolution.decision);
    return resolution;
  };
}

/** The same for questions that have the same answer at every moment. */
function textOf({ organization, environment, provider, connection, withSpec }: Asked): string {
  return JSON.stringify([
    organization.uid,
    organization.slug,
    environment?.uid,
    environment?.slug,
    provider,
    connection,
    withSpec,
  ]);
}

async function readResolution(
  database: Database<ConnectTables>,
  { organization, environment, withSpec, ...question }: Asked,
): Promise<Resolution<ResolvedConnection>> {
  const connection = question.connection === '' ? undefined : question.connection;
  const { snapshot, provider } = await readSnapshot(database, {
    organizationUid: organization.uid,
    provider: question.provider,
    environmentUid: environment?.uid ?? '',
    connection,
    withSpec,
  });
  return resolveConnection(
    {
      organization: organization.slug,
      provider: connection === undefined ? provider : question.provider || undefined,
      environment,
      connection,
    },
    snapshot,
  );
}

export function refusal(
  { kind, reason, message, hint, metadata }: Extract<Resolution, { ok: false }>['error'],
  decision: Decision,
): DomainError {
  const violations = decision.map((step) => ({ field: step.level, message: step.reason }));
  return new DomainError(kind, reason, message, { hint, metadata, violations });
}
