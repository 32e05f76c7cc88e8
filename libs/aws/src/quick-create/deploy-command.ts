import type { StackParameters } from './stack-parameters.ts';

/**
 * The command that makes or updates the stack without the console, for a POSIX shell, on several lines. Its arguments are
 * visible to other processes while it runs: the parameters should hold no callback token.
 */
export function deployCommand(stack: {
  readonly stackName: string;
  readonly region: string;
  /** Path of the template, such as `planton server template` prints it. */
  readonly templateFile: string;
  readonly parameters: StackParameters;
}): string {
  const overrides = Object.entries(stack.parameters).map(([name, value]) => quote(`${name}=${value}`));
  return [
    'aws cloudformation deploy',
    `  --stack-name ${quote(stack.stackName)}`,
    `  --region ${quote(stack.region)}`,
    `  --template-file ${quote(stack.templateFile)}`,
    '  --capabilities CAPABILITY_NAMED_IAM',
    ...(overrides.length === 0 ? [] : ['  --parameter-overrides', ...overrides.map((each) => `    ${each}`)]),
  ].join(' \\\n');
}

function quote(word: string): string {
  return /^[A-Za-z0-9_/:=.,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
