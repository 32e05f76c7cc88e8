import { consoleHost, type PartitionId, partitionOf } from '@planton/aws';

/** What a quick-create link says. */
export interface QuickCreateLink {
  readonly region: string;
  readonly templateUrl: string;
  readonly stackName: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const ROUTE = '#/stacks/quickcreate?';
const PARAMETER = 'param_';

/**
 * Reads a link as the console's page does; the host is that of a console of AWS or this machine.
 *
 * @throws Error that says what keeps the console from opening it
 */
export function parseLink(link: string, partition: PartitionId): QuickCreateLink {
  const refuse = (fault: string): never => {
    throw new Error(`the quick-create link ${fault}`);
  };
  const { hostname, pathname, searchParams, hash } = URL.canParse(link)
    ? new URL(link)
    : refuse('is not a URL');
  const console = consoleHost(partition);
  if (hostname !== '127.0.0.1' && hostname !== console && !hostname.endsWith(`.${console}`)) {
    refuse(`is not on ${console}`);
  }
  if (!/^\/cloudformation\/home\/?$/.test(pathname) || !hash.startsWith(ROUTE)) {
    refuse(`does not lead to /cloudformation/home${ROUTE}`);
  }
  const fields = new URLSearchParams(hash.slice(ROUTE.length));
  const region = searchParams.get('region') ?? '';
  if (partitionOf(region)?.id !== partition) refuse(`names no region of partition ${partition}`);
  return {
    region,
    templateUrl: fields.get('templateURL') ?? refuse('has no templateURL'),
    stackName: fields.get('stackName') ?? '',
    parameters: Object.fromEntries(
      [...fields]
        .filter(([name]) => name.startsWith(PARAMETER))
        .map(([name, value]) => [name.slice(PARAMETER.length), value]),
    ),
  };
}
