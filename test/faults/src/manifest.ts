/** An inline connection to AWS whose key is in the secrets `key-id` and `key`, with lines of its spec replaced. */
export function awsManifest(name: string, replace: Readonly<Record<string, string>> = {}): string {
  const spec: Record<string, string> = {
    account_id: '{ value: "123456789012" }',
    region: '{ value: us-west-2 }',
    access_key_id: '{ secret: key-id }',
    secret_access_key: '{ secret: key }',
    ...replace,
  };
  const lines = Object.entries(spec).map(([field, value]) => `  ${field}: ${value}`);
  return `apiVersion: connect.planton.ai/v1\nkind: AwsProviderConnection\nmetadata:\n  name: ${name}\nspec:\n${lines.join('\n')}\n`;
}
