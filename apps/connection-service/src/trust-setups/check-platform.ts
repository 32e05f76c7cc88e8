import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type DescribeAwsIdentityOutput,
  OperationErrorKind,
  OperationInputSchema,
} from '@planton/api/runner/v1/operation';
import { checkPrincipalArn, checkTemplateUrl, samePrincipal } from '@planton/aws';
import { asActor, state, toDomainError, unavailable } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { runOnPlatform } from '../operations/run-on-platform.ts';
import type { TrustSettings } from './trust-settings.ts';

/** The identity that roles have to trust. Throws `AWS_PRINCIPAL_MISSING` or `AWS_PRINCIPAL_INVALID`: only the operator can set that right. */
export function principalOf({ principalArn = '' }: TrustSettings): string {
  const hint = "start the server with --aws-principal ARN, the ARN of the platform runner's role";
  if (principalArn === '') {
    const message = 'this server does not know which identity in AWS roles have to trust';
    throw state('AWS_PRINCIPAL_MISSING', message, { hint });
  }
  const checked = checkPrincipalArn(principalArn);
  if (checked.ok) return principalArn;
  throw state(
    'AWS_PRINCIPAL_INVALID',
    `the server was started with an --aws-principal that ${checked.message}`,
    { hint },
  );
}

/** Where AWS finds the template. Throws `AWS_TEMPLATE_URL_MISSING` or `AWS_TEMPLATE_URL_INVALID`. */
export function templateUrlOf({ templateUrl = '' }: TrustSettings): string {
  if (templateUrl === '') {
    throw state(
      'AWS_TEMPLATE_URL_MISSING',
      'this server does not know where AWS finds the CloudFormation template',
      {
        hint: 'publish what `planton server template` prints to S3 and start the server with --aws-template-url URL; or make the role yourself: planton connect aws … -o json',
      },
    );
  }
  const checked = checkTemplateUrl(templateUrl);
  if (checked.ok) return templateUrl;
  throw state(
    'AWS_TEMPLATE_URL_INVALID',
    `the server was started with an --aws-template-url that ${checked.message}`,
    {
      hint: 'start the server with --aws-template-url URL, a URL of S3',
    },
  );
}

/** Whose identity is asked for, for the record of the operation. */
export interface IdentityQuestion {
  readonly connectionUid: string;
  readonly connection: string;
  readonly organization: { readonly uid: string; readonly slug: string };
  readonly region: string;
}

/**
 * Asks the platform runner who it is in AWS and compares that with the principal. A role that trusts another identity than the runner
 * has would never let it in.
 *
 * Throws `PLATFORM_RUNNER_OFFLINE`, `PLATFORM_IDENTITY_UNKNOWN`, `PLATFORM_IDENTITY_MISSING` or `PLATFORM_PRINCIPAL_MISMATCH`.
 */
export async function checkIdentity(
  deps: Pick<Deps, 'runners'>,
  context: HandlerContext,
  principalArn: string,
  question: IdentityQuestion,
): Promise<void> {
  const identity = await askIdentity(deps, context, question);
  if (identity.accountId === '' || identity.arn === '') {
    const [cause] = identity.causes;
    throw state(
      'PLATFORM_IDENTITY_MISSING',
      `the platform runner has no identity in AWS: ${identity.observation}`,
      {
        hint:
          cause?.hint || 'start the server with the AWS identity of the platform runner in its environment',
        violations: identity.causes.map(({ message }) => ({ field: 'platform runner', message })),
      },
    );
  }
  if (samePrincipal(principalArn, identity.arn)) return;
  throw state(
    'PLATFORM_PRINCIPAL_MISMATCH',
    `roles would trust ${principalArn}, and the platform runner is ${identity.arn} in AWS`,
    { hint: 'start the server with --aws-principal and the AWS_* variables of the same identity' },
  );
}

async function askIdentity(
  deps: Pick<Deps, 'runners'>,
  context: HandlerContext,
  { connectionUid, connection, organization, region }: IdentityQuestion,
): Promise<DescribeAwsIdentityOutput> {
  const order = {
    organization,
    connectionUid,
    connection,
    input: create(OperationInputSchema, { kind: { case: 'describeAwsIdentity', value: { region } } }),
    purpose: `set-up of ${connection}`,
  };
  try {
    const { operation } = await runOnPlatform(deps, order, {
      signal: context.signal,
      actor: asActor(context),
    });
    const { output, error } = operation;
    if (output?.kind.case === 'describeAwsIdentity') return output.kind.value;
    if (error?.kind === OperationErrorKind.TRANSIENT) {
      const message = `AWS does not say at the moment who the platform runner is: ${error.message}`;
      throw unavailable('PLATFORM_IDENTITY_UNKNOWN', message, {
        hint: error.hint || 'try again in a moment',
      });
    }
    throw offline(error?.message ?? 'it answered something else');
  } catch (thrown) {
    if (context.signal.aborted || toDomainError(thrown)) throw thrown;
    throw offline('it does not answer', thrown);
  }
}

function offline(why: string, cause?: unknown) {
  return unavailable(
    'PLATFORM_RUNNER_OFFLINE',
    `the platform runner cannot be asked who it is in AWS: ${why}`,
    {
      hint: 'try again in a moment; the log of the server says why the platform runner is not there',
      cause,
    },
  );
}
