/** What the parts of the page share. Whatever they show is put there as text, never as markup. */

export const content = document.getElementById('content');
export const region = new URLSearchParams(location.search).get('region') ?? '';

/** @param children nodes and texts */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export function section(title, ...children) {
  return element('section', {}, element('h2', {}, title), element('div', { className: 'body' }, ...children));
}

/** @throws Error in the words of the server */
export async function ask(path, method = 'GET', body = undefined) {
  const response = await fetch(path, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

export function problem(error) {
  return element('div', { className: 'problem', role: 'alert' }, error.message);
}
