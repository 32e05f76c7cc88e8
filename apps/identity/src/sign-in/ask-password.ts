import type { Words } from '../pages/read-form.ts';
import { type Html, html } from '../pages/render-page.ts';
import { refusePassword, SHORTEST_PASSWORD } from './hash-password.ts';

/** The fields that ask for a new password, twice. */
export function newPasswordFields(): Html {
  const shortest = String(SHORTEST_PASSWORD);
  return html`<label for="password">Password</label><input id="password" name="password" type="password" required minlength="${shortest}" maxlength="256" autocomplete="new-password" aria-describedby="password-help">
<p class="help" id="password-help">At least ${shortest} characters. A few words that only you would put together are good.</p>
<label for="again">The same password again</label><input id="again" name="again" type="password" required maxlength="256" autocomplete="new-password">`;
}

/** The new password that a form asks for, or what is wrong with it. */
export function readNewPassword(form: Words): { readonly password: string } | { readonly problem: string } {
  const password = form.get('password') ?? '';
  const problem = refusePassword(password);
  if (problem !== undefined) return { problem };
  return password === form.get('again') ? { password } : { problem: 'The two passwords differ.' };
}
