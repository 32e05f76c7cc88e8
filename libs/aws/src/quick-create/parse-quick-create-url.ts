import { fault, type Parsed } from '../check.ts';
import { partitionOf } from '../partitions/find-region.ts';
import { checkStackName } from './check-stack-name.ts';
import { checkTemplateUrl } from './check-template-url.ts';
import { type QuickCreate, quickCreateUrl } from './quick-create-url.ts';

export type QuickCreateUrlReason =
  | 'length'
  | 'shape'
  | 'region'
  | 'encoding'
  | 'field'
  | 'duplicate'
  | 'template_url'
  | 'stack_name';

const LONGEST = 16_384;
const LINK =
  /^https:\/\/[^/?#]+\/cloudformation\/home\?region=([a-z0-9-]+)#\/stacks\/quickcreate\?([\x21-\x7e]*)$/;

/** The inverse of `quickCreateUrl`: takes what that writes, letter for letter, and nothing else. */
export function parseQuickCreateUrl(text: string): Parsed<QuickCreate, QuickCreateUrlReason> {
  if (text.length > LONGEST) {
    return fault('length', `is ${text.length} characters long; a link has at most ${LONGEST}`);
  }
  const [, region = '', query] = LINK.exec(text) ?? [];
  if (query === undefined) {
    return fault(
      'shape',
      'is not of the form https://CONSOLE/cloudformation/home?region=REGION#/stacks/quickcreate?…',
    );
  }
  if (partitionOf(region) === undefined) return fault('region', 'names no AWS region');
  const fields = readFields(query);
  if (!fields.ok) return fields;
  const { templateURL = '', stackName = '', ...rest } = Object.fromEntries(fields.value);
  const template = checkTemplateUrl(templateURL);
  if (!template.ok) return fault('template_url', `its templateURL ${template.message}`);
  const name = checkStackName(stackName);
  if (!name.ok) return fault('stack_name', `its stackName ${name.message}`);
  const parameters = Object.fromEntries(
    Object.entries(rest).map(([field, value]) => [field.slice('param_'.length), value]),
  );
  const value = { region, templateUrl: templateURL, stackName, parameters };
  return quickCreateUrl(value) === text
    ? { ok: true, value }
    : fault('shape', 'is on the console of another partition, or is encoded or ordered in another way');
}

function readFields(query: string): Parsed<readonly (readonly [string, string])[], QuickCreateUrlReason> {
  const fields: (readonly [string, string])[] = [];
  const seen = new Set<string>();
  for (const [index, part] of query.split('&').entries()) {
    const [, name, encoded] =
      /^(templateURL|stackName|param_[A-Za-z][A-Za-z0-9]{0,254})=(.*)$/.exec(part) ?? [];
    if (name === undefined || encoded === undefined) {
      return fault('field', `its field ${index + 1} is none of templateURL, stackName and param_NAME`);
    }
    if (seen.has(name)) return fault('duplicate', `its field ${index + 1} is there twice`);
    seen.add(name);
    const value = decode(encoded);
    if (value === undefined) return fault('encoding', `its field ${index + 1} is not percent-encoded UTF-8`);
    fields.push([name, value]);
  }
  return { ok: true, value: fields };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
