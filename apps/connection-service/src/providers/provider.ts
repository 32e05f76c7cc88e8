import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { Metadata } from '@planton/api/common/v1/metadata';
import type { IssueCredentialsResponse } from '@planton/api/connect/v1/connection_service';
import type { ConnectionStatus } from '@planton/api/connect/v1/connection_status';
import type { ProviderConnection } from '@planton/api/connect/v1/provider_connection';
import type { OperationError, OperationInput, OperationOutput } from '@planton/api/runner/v1/operation';
import type { Violation } from '@planton/rpc';
import type { FieldValues, ReferenceUse } from '../references/reference.ts';
import type { Observed } from '../verification/run-verification.ts';
import type { Cause } from '../verification/verification.ts';

/** A manifest without what is the same for every provider. */
export interface Envelope<Spec extends Message> {
  readonly metadata: Metadata;
  /** Absent where the stored spec cannot be read. */
  readonly spec: Spec | undefined;
  readonly status: ConnectionStatus;
}

export type Credentials = IssueCredentialsResponse['credentials'];

/** What a caller asks of the credentials. */
export interface IssueOptions {
  /** Slug of the connection, for messages. */
  readonly connection: string;
  /** Empty for none. */
  readonly sessionPolicy: string;
  /** Seconds that they shall live; undefined where nothing was said. */
  readonly durationSeconds: number | undefined;
}

/** How credentials come about: by handing out what the connection refers to, or by a session that the platform runner opens. */
export type CredentialsPlan =
  | {
      readonly from: 'values';
      /** The references whose values `issueCredentials` needs. */
      readonly uses: readonly ReferenceUse[];
    }
  | {
      readonly from: 'session';
      /** References that may be given another value at any time: read at every issue. */
      readonly uses: readonly ReferenceUse[];
      /** References whose values are the server's own and stay the same for as long as the spec does: read where a session is opened. */
      readonly fixedUses: readonly ReferenceUse[];
      /** Where to look when the platform runner does not answer. */
      readonly offlineHint: string;
    };

/** A session that is to be opened, and for whom: what the other side is told of it. */
export interface SessionOrder extends IssueOptions {
  /** Slug of the organisation. */
  readonly organization: string;
  /** Slug of the environment; undefined for the organisation. */
  readonly environment: string | undefined;
  readonly requester: { readonly uid: string; readonly name: string; readonly via: string | undefined };
}

/** What a runner answered, with the secret part opened. It is overwritten once it was read. */
export interface SessionAnswer {
  readonly output: OperationOutput | undefined;
  readonly secret: Uint8Array;
}

/** A session that was opened. */
export interface OpenedSession {
  readonly credentials: Credentials;
  readonly expireTime: Date;
  /** What identifies the session, for the record. Nothing secret. */
  readonly details: Readonly<Record<string, string>>;
}

/** What a verification is for. */
export interface VerificationOptions {
  /** Slug of the connection, and of its organisation. */
  readonly connection: string;
  readonly organization: string;
  /** Whether to try what has to fail, too, where the provider has anything like it. */
  readonly probe: boolean;
}

/** What a provider made of a runner's answer. */
export interface Conclusion extends Observed {
  /** What was compared here, beside what the runner did. */
  readonly checks: readonly { readonly name: string; readonly passed: boolean; readonly detail: string }[];
}

/**
 * Everything that differs from provider to provider. A provider is one folder that exports one of these, and one line in
 * `registry.ts`; stores, resolution and RPCs know providers only through it. All functions are pure.
 */
export interface Provider<Spec extends Message = Message> {
  /** The name in requests, and the field of `ProviderConnection.kind`. */
  readonly name: NonNullable<ProviderConnection['kind']['case']>;
  /** Kind of its manifests. */
  readonly kind: string;
  readonly specSchema: DescMessage;
  wrap(envelope: Envelope<Spec>): ProviderConnection['kind'];
  /** The form to store, and warnings about what was left out or has no effect. Runs before everything else. */
  normalize(spec: Spec): { readonly spec: Spec; readonly warnings: readonly string[] };
  /** Fills in the fields that only the server sets. Throws where the manifest sets one to something else than is stored. */
  keepServerOwned(spec: Spec, stored: Spec | undefined): Spec;
  referencesOf(spec: Spec): readonly ReferenceUse[];
  /** The region of the spec; empty where it is in a variable that `resolved` does not hold. */
  regionOf(spec: Spec, resolved: FieldValues): string;
  /** Slug of the runner that the spec names; empty for none. */
  runnerOf(spec: Spec): string;
  /** What is wrong with the values that are known; `resolved` holds those of variables. Called at apply and at every use. */
  check(spec: Spec, resolved: FieldValues): readonly Violation[];
  /** Throws where this spec or these options allow no credentials. */
  planCredentials(spec: Spec, options: IssueOptions): CredentialsPlan;
  /** Throws where the values cannot be credentials, naming fields, secrets and entries, never a value. */
  issueCredentials(spec: Spec, resolved: FieldValues): Credentials;
  /** What the platform runner has to do to open a session. Throws where the values lead nowhere. */
  buildSession(spec: Spec, resolved: FieldValues, order: SessionOrder): OperationInput;
  /** The session that the platform runner opened. Throws where it is not what was asked for, or over already. */
  readSession(spec: Spec, resolved: FieldValues, answer: SessionAnswer, now: Date): OpenedSession;
  /** The references whose values a verification needs. Throws where this spec cannot be verified, naming the connection by its slug. */
  planVerification(spec: Spec, connection: string): readonly ReferenceUse[];
  /**
   * What a runner has to do. Throws `CREDENTIALS_MALFORMED` where the values cannot be credentials, naming fields, secrets and entries,
   * never a value.
   */
  buildVerification(spec: Spec, resolved: FieldValues, options: VerificationOptions): OperationInput;
  /** What the runner's answer means. */
  readVerification(spec: Spec, resolved: FieldValues, output: OperationOutput): Conclusion;
  /** The possible causes that a failed operation names, most likely first. */
  readCauses(error: OperationError): readonly Cause[];
}
