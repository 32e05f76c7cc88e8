import { ask, content, element, problem, section } from './dom.js';

const POLL_MILLISECONDS = 400;

/** Goes on until nothing is under way any more, or something else is to be shown. */
export async function showStack(stackId) {
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
