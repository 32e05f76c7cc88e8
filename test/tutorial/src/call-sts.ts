import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

// What a program in the customer's hands does: a client of the SDK with nothing configured, so that the default chain decides.
const { Arn } = await new STSClient({ maxAttempts: 1 }).send(new GetCallerIdentityCommand({}));
process.stdout.write(`${Arn}\n`);
