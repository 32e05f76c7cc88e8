/**
 * The script of the console's page. It shows what the hash asks for: the form of a quick-create link, or a stack. All that comes from
 * a link, a template or the server is put there as text, never as markup.
 */

const POLL_MILLISECONDS = 400;
const content = document.getElementById('content');
const region = new URLSearchParams(location.search).get('region') ?? '';

/** @param children nodes and texts */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function section(title, ...children) {
  return element('section', {}, element('h2', {}, title), element('div', { className: 'body' }, ...children));
}

/** @throws Error in the words of the server */
async function ask(path, method = 'GET', body = undefined) {
  const response = await fetch(path, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

function problem(error) {
  return element('div', { className: 'problem', role: 'alert' }, error.message);
}

/** Where a person who has a link only can start. */
function showStart() {
  const field = element('input', { id: 'link', type: 'url', required: true, autocomplete: 'off' });
  const form = element(
    'form',
    {},
    element('div', { className: 'field' }, element('label', { htmlFor: 'link' }, 'Quick-create link'), field),
    element('div', { className: 'actions' }, element('button', { className: 'primary' }, 'Open')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const link = new URL(field.value);
    location.assign(`/cloudformation/home${link.search}${link.hash}`);
  });
  content.replaceChildren(element('h1', {}, 'Open a quick-create link'), section('Link', form));
}

function showQuickCreate(link) {
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

/** Goes on until nothing is under way any more, or something else is to be shown. */
async function showStack(stackId) {
  const shown = location.hash;
  for (;;) {
    const stack = await ask(`/console/stack?id=${encodeURIComponent(stackId)}`);
    if (location.hash !== shown) return;
    drawStack(stack);
    if (!stack.status.endsWith('_IN_PROGRESS')) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}

function drawStack(stack) {
  const outputs = Object.entries(stack.outputs);
  const isBusy = stack.status.endsWith('_IN_PROGRESS');
  const remove = element(
    'button',
    { id: 'delete', disabled: isBusy || stack.status === 'DELETE_COMPLETE' },
    'Delete stack',
  );
  remove.addEventListener('click', () => {
    remove.disabled = true;
    ask(`/console/stack?id=${encodeURIComponent(stack.stackId)}`, 'DELETE')
      .then(() => showStack(stack.stackId))
      .catch((error) => content.prepend(problem(error)));
  });
  content.replaceChildren(
    element('h1', {}, stack.name),
    section(
      'Stack',
      element(
        'dl',
        {},
        element('dt', {}, 'Status'),
        element('dd', { id: 'status', role: 'status' }, statusOf(stack.status)),
        ...(stack.statusReason === undefined
          ? []
          : [element('dt', {}, 'Reason'), element('dd', {}, stack.statusReason)]),
        element('dt', {}, 'Stack ID'),
        element('dd', { className: 'value' }, stack.stackId),
        ...outputs.flatMap(([name, value]) => [
          element('dt', {}, name),
          element('dd', { className: 'value' }, value),
        ]),
      ),
    ),
    element('section', {}, element('h2', {}, 'Events'), eventsOf(stack.events)),
    element('div', { className: 'actions' }, remove),
  );
}

function eventsOf(events) {
  const rows = events
    .toReversed()
    .map(({ time, logicalId, type, status, reason }) =>
      element(
        'tr',
        {},
        element('td', {}, new Date(time).toLocaleTimeString('en-GB')),
        element('td', {}, logicalId, element('div', { className: 'quiet' }, type)),
        element('td', {}, statusOf(status), ...(reason === undefined ? [] : [element('div', {}, reason)])),
      ),
    );
  const head = ['Time', 'Resource', 'Status'].map((title) => element('th', {}, title));
  return element(
    'table',
    { id: 'events' },
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...rows),
  );
}

function statusOf(status) {
  const isBad = /FAILED|ROLLBACK/.test(status);
  const isGood = /_COMPLETE$/.test(status) && !isBad;
  return element('span', { className: `status${isBad ? ' bad' : isGood ? ' good' : ''}` }, status);
}

async function show() {
  const [route, query = ''] = location.hash.slice(1).split(/\?(.*)/s, 2);
  const fields = new URLSearchParams(query);
  try {
    if (route === '/stacks/quickcreate') await showQuickCreate(fields);
    else if (route === '/stacks/stackinfo') await showStack(fields.get('stackId') ?? '');
    else showStart();
  } catch (error) {
    content.replaceChildren(element('h1', {}, 'This cannot be shown'), problem(error));
  }
}

document.getElementById('region').textContent = region;
window.addEventListener('hashchange', () => void show());
await show();
const { accountId } = await ask('/console/account');
document.getElementById('account').textContent = `Account ${accountId}`;
