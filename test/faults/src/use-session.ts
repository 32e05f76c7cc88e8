import { createInterface } from 'node:readline';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

// A program that lives long and knows nothing of the platform: clients of the SDK with nothing configured. For each line on standard
// input, `who`, `time` or the name of a stack, it writes a line of JSON.

const sts = new STSClient({ maxAttempts: 2 });
const cloudFormation = new CloudFormationClient({ maxAttempts: 2 });

async function answer(line: string): Promise<object> {
  if (line === 'time') return { time: Date.now() };
  try {
    if (line !== 'who') {
      const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: line }));
      return { status: Stacks?.[0]?.StackStatus };
    }
    const { Arn: arn } = await sts.send(new GetCallerIdentityCommand({}));
    const { accessKeyId } = await sts.config.credentials();
    return { arn, accessKeyId };
  } catch (error) {
    return { error: error instanceof Error ? error.name : String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
