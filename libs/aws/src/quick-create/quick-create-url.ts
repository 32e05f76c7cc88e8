import { partitionOf } from '../partitions/find-region.ts';
import { consoleHost } from '../partitions/resolve-endpoint.ts';
import type { StackParameters } from './stack-parameters.ts';

/** What a quick-create link fills in. */
export interface QuickCreate {
  /** Name of the region that the stack is made in. */
  readonly region: string;
  readonly templateUrl: string;
  readonly stackName: string;
  /** Those that the template does not have or hides with `NoEcho` are ignored by the console. */
  readonly parameters: StackParameters;
}

/**
 * The link that opens the AWS console with a stack filled in; whoever follows it can edit every value.
 *
 * @throws Error for a region that is none
 */
export function quickCreateUrl({ region, templateUrl, stackName, parameters }: QuickCreate): string {
  const partition = partitionOf(region);
  if (partition === undefined) throw new Error(`${JSON.stringify(region)} is not an AWS region`);
  const fields = [
    ['templateURL', templateUrl],
    ['stackName', stackName],
    ...Object.entries(parameters).map(([name, value]) => [`param_${name}`, value]),
  ].map(([name = '', value = '']) => `${name}=${encode(value)}`);
  const home = `https://${consoleHost(partition.id)}/cloudformation/home?region=${region}`;
  return `${home}#/stacks/quickcreate?${fields.join('&')}`;
}

/** Everything but letters, digits and `-._~`: a link survives being pasted between quotes, brackets and stars. */
function encode(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
