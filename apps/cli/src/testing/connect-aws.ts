import { cliAt, type Setting } from './run-cli.ts';
import { serve } from './serve.ts';
import { completed, type SetupStream, trustSetupService } from './trust-setups.ts';

/** A set-up that is completed at once. */
export const done: SetupStream = { changes: [completed] };
/** The flags of the tutorial. */
export const tutorial = ['--name', 'prod-aws', '--org', 'your-org', '--account-id', '123456789012'];

/** A server whose set-ups go on as the streams say, one for each, and the command against it. */
export async function start(...streams: SetupStream[]) {
  const service = trustSetupService(...streams);
  const { url } = await serve(service.routes);
  const { cli, home } = cliAt(url);
  const connect = (args: readonly string[], { env, ...setting }: Setting = {}) =>
    cli(['connect', 'aws', ...args], { ...setting, env: { PLANTON_ORG: 'another-org', ...env } });
  return { service, connect, home, url, cli };
}
