import { create } from '@bufbuild/protobuf';
import { AuthMode, AwsProviderConnectionSchema } from '@planton/api/connect/v1/aws_provider_connection';

/** A request to apply, in organisation `acme`, an inline connection on the secrets `key-id` and `key`. */
export const connectionNamed = (name: string, accessKeyId = 'key-id', region = 'us-west-2') => ({
  org: 'acme',
  connection: {
    kind: {
      case: 'aws' as const,
      value: create(AwsProviderConnectionSchema, {
        apiVersion: 'connect.planton.ai/v1',
        kind: 'AwsProviderConnection',
        metadata: { name },
        spec: {
          authMode: AuthMode.INLINE,
          accountId: { source: { case: 'value', value: '123456789012' } },
          region: { source: { case: 'value', value: region } },
          accessKeyId: { secret: accessKeyId },
          secretAccessKey: { secret: 'key' },
        },
      }),
    },
  },
});

/** A request to make a connection the default of the organisation. */
export const defaultOf = (connection: string) => ({
  org: 'acme',
  default: {
    apiVersion: 'connect.planton.ai/v1',
    kind: 'DefaultProviderConnection',
    spec: { provider: 'aws', connection },
  },
});
