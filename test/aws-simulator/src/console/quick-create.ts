import type { Stack } from '../cloudformation/stacks/stack.ts';
import type { Console } from './console.ts';
import { parseLink } from './parse-link.ts';

/** What the person does on the page beyond clicking. */
export interface QuickCreateEdits {
  /** The account that the person is signed in to; the console's own when absent. */
  readonly accountId?: string;
  /** Values that the person changes. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly stackName?: string;
  /** Whether the box of the capabilities is ticked; it is when absent. */
  readonly acknowledge?: boolean;
}

/**
 * Does what a person does who opens a quick-create link, changes what is said, ticks the box and clicks the button. Resolves when the
 * stack is accepted.
 *
 * @throws AwsError what the page would show, or Error for a link that opens nothing and a parameter that is not on the page
 */
export async function quickCreate(
  console: Console,
  link: string,
  { accountId, parameters: edits = {}, stackName, acknowledge = true }: QuickCreateEdits = {},
): Promise<Stack> {
  const { partition = 'aws' } = console.account(accountId);
  const parsed = parseLink(link, partition);
  const { groups, capabilities } = await console.describeTemplate(parsed.templateUrl);
  const shown = groups.flatMap((group) => group.parameters);
  const missing = Object.keys(edits).find((name) => !shown.some((each) => each.name === name));
  if (missing !== undefined) throw new Error(`the quick-create page has no parameter ${missing}`);
  const values = shown.map(({ name, noEcho, default: preset = '' }) => {
    const linked = noEcho || !Object.hasOwn(parsed.parameters, name) ? undefined : parsed.parameters[name];
    return [name, (Object.hasOwn(edits, name) ? edits[name] : linked) ?? preset] as const;
  });
  return console.createStack({
    ...(accountId !== undefined && { accountId }),
    region: parsed.region,
    stackName: stackName ?? parsed.stackName,
    templateUrl: parsed.templateUrl,
    parameters: Object.fromEntries(values),
    capabilities: acknowledge ? capabilities : [],
  });
}
