import { ask, content, element, problem, region, section } from './dom.js';
import { showQuickCreate } from './show-quick-create.js';
import { showStack } from './show-stack.js';

/** The script of the console's page: it shows what the hash asks for. */

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
void show();
const { accountId } = await ask('/console/account');
document.getElementById('account').textContent = `Account ${accountId}`;
