/**
 * Removes every `AWS_*` variable from an environment: the control plane never talks to AWS and holds no identity there, so
 * that none can be used, or leak, by mistake.
 */
export function dropCloudIdentity(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) {
    if (name.toUpperCase().startsWith('AWS_')) delete env[name];
  }
}
