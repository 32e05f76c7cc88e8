/**
 * Removes every `AWS_*` variable from an environment and returns them: they are the platform runner's alone. The control plane
 * never talks to AWS and holds no identity there, so that none can be used, or leak, by mistake.
 */
export function takeCloudIdentity(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const taken = Object.entries(env).filter(([name]) => name.toUpperCase().startsWith('AWS_'));
  for (const [name] of taken) delete env[name];
  return Object.fromEntries(taken.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
