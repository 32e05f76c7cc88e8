import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { IssueCredentialsResponse } from '@planton/api/connect/v1/connection_service';
import type { AwsCredentials as IssuedCredentials } from '@planton/api/connect/v1/resolution';
import { type AwsCredentials, containerCredentialsDocument, credentialProcessDocument } from '@planton/aws';
import { CliError, exitCodes } from '../../errors/cli-error.ts';
import type { ProvideRequest, ProviderCredentials, Provision } from '../provider-credentials.ts';
import { childEnvironment } from './child-environment.ts';
import { renewing } from './renew-credentials.ts';
import { serveEndpoint } from './serve-endpoint.ts';

/** AWS credentials as a `credential_process` document, as variables, and as the environment of a child process. */
export const awsCredentials: ProviderCredentials = {
  processDocument: (response) => credentialProcessDocument(toCredentials(issued(response))),
  variables: (response) => ({
    ...keyVariables(issued(response)),
    ...regionVariables(issued(response).region),
  }),
  provide,
};

async function provide({
  injection,
  parent,
  first,
  issue,
  now,
  onFailure,
}: ProvideRequest): Promise<Provision> {
  const { region } = issued(first);
  const folder = await mkdtemp(join(tmpdir(), 'planton-exec-'));
  const standIns = { credentialsFile: join(folder, 'credentials'), configFile: join(folder, 'config') };
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(standIns.credentialsFile, '', { mode: 0o600 });
    const config = region === '' ? '' : `[default]\nregion = ${region.replace(/[^\w-]/g, '')}\n`;
    await writeFile(standIns.configFile, config, { mode: 0o600 });
    if (injection === 'env') {
      const env = childEnvironment(parent, region, standIns, keyVariables(issued(first)));
      const { expiration } = toCredentials(issued(first));
      return { env, ...(expiration ? { endTime: expiration } : {}), close: removeFolder };
    }
    const ask = async () => toCredentials(issued(await issue()));
    const current = renewing(toCredentials(issued(first)), ask, now);
    const endpoint = await serveEndpoint(
      async () => containerCredentialsDocument(await current(), now()),
      onFailure,
    );
    const env = childEnvironment(parent, region, standIns, {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: endpoint.url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: endpoint.token,
    });
    return {
      env,
      close: async () => {
        await endpoint.close();
        await removeFolder();
      },
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

function issued({ credentials }: IssueCredentialsResponse): IssuedCredentials {
  if (credentials.case === 'aws') return credentials.value;
  throw new CliError('the connection gives no AWS credentials', { exitCode: exitCodes.failed });
}

function toCredentials({
  accessKeyId,
  secretAccessKey,
  sessionToken,
  expireTime,
}: IssuedCredentials): AwsCredentials {
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === '' ? {} : { sessionToken }),
    ...(expireTime ? { expiration: timestampDate(expireTime) } : {}),
  };
}

function keyVariables({
  accessKeyId,
  secretAccessKey,
  sessionToken,
  expireTime,
}: IssuedCredentials): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === '' ? {} : { AWS_SESSION_TOKEN: sessionToken }),
    ...(expireTime ? { AWS_CREDENTIAL_EXPIRATION: timestampDate(expireTime).toISOString() } : {}),
  };
}

function regionVariables(region: string): Record<string, string> {
  return region === '' ? {} : { AWS_REGION: region, AWS_DEFAULT_REGION: region };
}
