import { createHash } from 'node:crypto';

/** HTML that is safe to send: made by `html` alone. */
export interface Html {
  readonly markup: string;
}

/** Text that the page shows, or markup that `html` made. */
type Part = string | Html | readonly Html[] | undefined;

/** Builds markup; every text that is put in is escaped, attributes stand in double quotes. */
export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { markup: pieces.map((piece, index) => piece + markupOf(parts[index])).join('') };
}

function markupOf(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string')
    return part.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
  return 'markup' in part ? part.markup : part.map(({ markup }) => markup).join('');
}

const style = `:root{color-scheme:light dark;--paper:#f4f5f7;--card:#fff;--ink:#17191f;--soft:#5a6070;--line:#c3c8d3;--accent:#2f4fd8;--on-accent:#fff;--bad:#b3261e;--bad-paper:#fdeceb}
@media (prefers-color-scheme:dark){:root{--paper:#101218;--card:#191c25;--ink:#eef0f6;--soft:#a5abbb;--line:#454b5c;--accent:#93a8ff;--on-accent:#10142b;--bad:#ffb4ab;--bad-paper:#3a1a18}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:2rem 1rem;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:26rem;background:var(--card);border:1px solid var(--line);border-radius:.9rem;padding:2rem}
.product{display:flex;align-items:center;gap:.6rem;margin:0 0 1.5rem;color:var(--soft);font-size:.9rem;font-weight:600}
.product svg{color:var(--accent)}
h1{margin:0 0 .5rem;font-size:1.45rem;line-height:1.25}
p{margin:0 0 1rem}
.soft{color:var(--soft)}
label{display:block;margin:1rem 0 .3rem;font-weight:600}
.help{margin:.3rem 0 0;color:var(--soft);font-size:.875rem}
input:not([type=hidden]){width:100%;padding:.6rem .75rem;border:1px solid var(--line);border-radius:.5rem;background:var(--paper);color:inherit;font:inherit}
input[readonly]{background:none;border-style:dashed;color:var(--soft)}
input.code{font-family:ui-monospace,monospace;font-size:1.3rem;letter-spacing:.15em;text-transform:uppercase}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
button,.button{display:block;width:100%;margin-top:1.5rem;padding:.7rem 1rem;border:1px solid var(--accent);border-radius:.5rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
button.quiet,.button.quiet{margin-top:.75rem;background:none;border-color:var(--line);color:inherit}
.alert{margin-top:.75rem;padding:.75rem 1rem;border-radius:.5rem;background:var(--bad-paper);color:var(--bad);overflow-wrap:anywhere}
dl{margin:1rem 0;padding:.75rem 1rem;border:1px solid var(--line);border-radius:.5rem}
dt{color:var(--soft);font-size:.875rem}
dd{margin:0 0 .5rem;font-weight:600;overflow-wrap:anywhere}
dd:last-child{margin-bottom:0}
dl.facts{display:grid;grid-template-columns:auto 1fr;gap:.4rem 1.25rem;align-items:baseline}
.facts dd{margin:0}
dd .soft{display:block;font-size:.875rem;font-weight:400}
pre{margin:0;padding:.75rem 1rem;border-radius:.5rem;background:var(--paper);font-size:.875rem;white-space:pre-wrap;overflow-wrap:anywhere}`;

const mark = html`<svg aria-hidden="true" width="22" height="22" viewBox="0 0 22 22" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round"><circle cx="5" cy="11" r="3"/><circle cx="17" cy="11" r="3"/><path d="M8 11h6"/></svg>`;

/** The hash that lets the one style sheet of the pages in, and no other. */
const styleHash = createHash('sha256').update(style).digest('base64');

/** A whole page. Without script, image or anything that comes from elsewhere. */
export function renderPage(title: string, content: Html): string {
  const head = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">`;
  const titled = html`<title>${title} – Planton Connect</title>`.markup;
  const body = html`<main><p class="product">${mark}Planton Connect</p><h1>${title}</h1>${content}</main>`;
  return `${head}${titled}<style>${style}</style></head><body>${body.markup}</body></html>`;
}

/**
 * The headers of every page: nothing is loaded, framed, cached or told to others.
 *
 * @param formTarget an origin beside the server's own that the answer to a form may lead to
 */
export function pageHeaders(formTarget = ''): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    `form-action 'self' ${formTarget}`.trim(),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'cross-origin-opener-policy': 'same-origin',
    // With `no-referrer` browsers say `Origin: null` of the server's own forms.
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
  };
}

/** A line that says what was wrong, read aloud at once. */
export function alertOf(text: string | undefined): Html | undefined {
  return text === undefined ? undefined : html`<p class="alert" role="alert">${text}</p>`;
}
