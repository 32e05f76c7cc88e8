import { ask, content, element, problem, region, section } from './dom.js';

/** The form of a quick-create link, with what the link says filled in. */
export function showQuickCreate(link) {
  const templateUrl = link.get('templateURL') ?? '';
  return ask(`/console/template?url=${encodeURIComponent(templateUrl)}`).then((template) => {
    const form = element('form', { noValidate: true });
    const stackName = element('input', {
      id: 'stack-name',
      value: link.get('stackName') ?? '',
      autocomplete: 'off',
    });
    const fields = new Map();
    const groups = template.groups.flatMap(({ label, parameters }) => [
      ...(parameters.length > 0 ? [element('h3', {}, label ?? 'Other parameters')] : []),
      ...parameters.map((parameter) => {
        const given = parameter.noEcho ? null : link.get(`param_${parameter.name}`);
        const control = controlOf(parameter, given ?? parameter.default ?? '');
        fields.set(parameter.name, control);
        return fieldOf(parameter, control);
      }),
    ]);
    const acknowledgement = acknowledgementOf(template.capabilities);
    const submit = element('button', { className: 'primary', id: 'create' }, 'Create stack');
    const problems = element('div');
    form.append(
      section('Template', factsOf(template, templateUrl)),
      section(
        'Stack',
        element(
          'div',
          { className: 'field' },
          element('label', { htmlFor: 'stack-name' }, 'Stack name'),
          stackName,
        ),
      ),
      section('Parameters', ...(groups.length > 0 ? groups : ['The template has none.'])),
      ...acknowledgement.sections,
      problems,
      element('div', { className: 'actions' }, submit),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      submit.disabled = true;
      const asked = {
        region,
        stackName: stackName.value,
        templateUrl,
        parameters: Object.fromEntries(Array.from(fields, ([name, control]) => [name, control.value])),
        capabilities: acknowledgement.given() ? template.capabilities : [],
      };
      ask('/console/stacks', 'POST', asked)
        .then(({ stackId }) => {
          location.hash = `/stacks/stackinfo?${new URLSearchParams({ stackId })}`;
        })
        .catch((error) => {
          problems.replaceChildren(problem(error));
          submit.disabled = false;
        });
    });
    content.replaceChildren(element('h1', {}, 'Quick create stack'), form);
  });
}

function factsOf({ description, resources }, templateUrl) {
  const types = resources.map(({ type }) => type).sort();
  const counted = [...new Set(types)].map((type) => {
    const count = types.filter((each) => each === type).length;
    return count === 1 ? type : `${type} × ${count}`;
  });
  return element(
    'dl',
    {},
    element('dt', {}, 'URL'),
    element('dd', { className: 'value' }, templateUrl),
    ...(description === undefined ? [] : [element('dt', {}, 'Description'), element('dd', {}, description)]),
    element('dt', {}, 'Resources'),
    element('dd', {}, counted.join(', ')),
  );
}

function controlOf({ name, allowedValues, noEcho }, value) {
  const id = `param-${name}`;
  if (allowedValues === undefined) {
    return element('input', {
      id,
      value,
      type: noEcho ? 'password' : 'text',
      autocomplete: 'off',
      spellcheck: false,
    });
  }
  // A value that is not allowed is shown as it is: it is the template that refuses it.
  const values = allowedValues.includes(value) ? allowedValues : [value, ...allowedValues];
  return element(
    'select',
    { id },
    ...values.map((each) => element('option', { value: each, selected: each === value }, each)),
  );
}

function fieldOf({ name, label, description }, control) {
  return element(
    'div',
    { className: 'field' },
    element('label', { htmlFor: control.id }, label ?? name),
    ...(label === undefined ? [] : [element('span', { className: 'name' }, name)]),
    ...(description === undefined ? [] : [element('p', { className: 'help' }, description)]),
    control,
  );
}

function acknowledgementOf(capabilities) {
  if (capabilities.length === 0) return { sections: [], given: () => true };
  const box = element('input', { type: 'checkbox', id: 'acknowledge' });
  const words = capabilities.includes('CAPABILITY_NAMED_IAM')
    ? 'I acknowledge that AWS CloudFormation might create IAM resources with custom names.'
    : 'I acknowledge that AWS CloudFormation might create IAM resources.';
  return {
    sections: [
      section(
        'Capabilities',
        element('label', { className: 'acknowledge' }, box, element('span', {}, words)),
      ),
    ],
    given: () => box.checked,
  };
}
