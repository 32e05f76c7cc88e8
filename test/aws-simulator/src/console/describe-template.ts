import { requiredCapabilities } from '../cloudformation/templates/required-capabilities.ts';
import type { ParameterDefinition, Template } from '../cloudformation/templates/template.ts';

/** What the quick-create page shows of a template. */
export interface TemplateDescription {
  readonly description?: string;
  readonly groups: readonly DescribedGroup[];
  readonly capabilities: readonly string[];
  readonly resources: readonly { readonly logicalId: string; readonly type: string }[];
}

export interface DescribedGroup {
  readonly label?: string;
  readonly parameters: readonly DescribedParameter[];
}

export interface DescribedParameter {
  readonly name: string;
  readonly label?: string;
  readonly description?: string;
  readonly type: 'String' | 'Number';
  readonly default?: string;
  readonly allowedValues?: readonly string[];
  readonly noEcho: boolean;
}

/** Parameters by their groups; those that no group names come last. */
export function describeTemplate(template: Template): TemplateDescription {
  const { description, parameters, groups, resources } = template;
  const grouped = new Set(groups.flatMap((group) => group.parameters));
  const others = [...parameters.keys()].filter((name) => !grouped.has(name));
  const describe = (names: readonly string[]) =>
    names.flatMap((name) => {
      const definition = parameters.get(name);
      return definition === undefined ? [] : [describeParameter(definition)];
    });
  return {
    ...(description !== undefined && { description }),
    groups: [
      ...groups.map((group) => ({ ...group, parameters: describe(group.parameters) })),
      ...(others.length > 0 ? [{ parameters: describe(others) }] : []),
    ],
    capabilities: requiredCapabilities(template),
    resources: Array.from(resources, ([logicalId, { type }]) => ({ logicalId, type })),
  };
}

function describeParameter(definition: ParameterDefinition): DescribedParameter {
  const { name, type, label, description, allowedValues, noEcho } = definition;
  return {
    name,
    type,
    noEcho,
    ...(label !== undefined && { label }),
    ...(description !== undefined && { description }),
    ...(definition.default !== undefined && { default: definition.default }),
    ...(allowedValues !== undefined && { allowedValues }),
  };
}
