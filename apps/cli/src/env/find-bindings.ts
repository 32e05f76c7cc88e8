import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { listAll } from '../session/list-all.ts';
import type { Session } from '../session/open-session.ts';

/** What is bound to an environment and goes with it, as lines for people. */
export async function findBindings(
  client: Session['client'],
  org: string,
  environment: string,
): Promise<readonly string[]> {
  const connections = client(ConnectionService);
  const config = client(ConfigManager);
  const [defaults, authorizations, secrets, variables, { members }] = await Promise.all([
    listAll(
      (page) => connections.listDefaultProviderConnections({ org, ...page }),
      (page) => page.defaults,
    ),
    listAll(
      (page) => connections.listProviderConnectionAuthorizations({ org, ...page }),
      (page) => page.authorizations,
    ),
    listAll(
      (page) => config.listSecrets({ org, environment, ...page }),
      (page) => page.secrets,
    ),
    listAll(
      (page) => config.listVariables({ org, environment, ...page }),
      (page) => page.variables,
    ),
    client(Identity).listMembers({ org }),
  ]);
  const own = (item: { readonly environment: string }) => item.environment === environment;
  return [
    ...defaults.flatMap(({ spec }) =>
      spec?.environment === environment ? [`default ${spec.provider}: ${spec.connection}`] : [],
    ),
    ...authorizations.flatMap(({ spec }) =>
      spec?.environments.includes(environment)
        ? [`authorisation ${spec.provider}.${spec.connection}${remains(spec.environments)}`]
        : [],
    ),
    ...secrets.filter(own).map(({ slug }) => `secret ${slug}: nobody can read it any more`),
    ...variables.filter(own).map(({ slug }) => `variable ${slug}`),
    ...members.flatMap(({ name, environments }) =>
      environments.includes(environment) ? [`member ${name}${remains(environments)}`] : [],
    ),
  ];
}

/** What a list of environments comes to without one of them. */
function remains({ length }: readonly string[]): string {
  return length === 1 ? ': covers no environment after that' : ': covers one environment less';
}
