/** Elements by name, in the order they are written. */
export type XmlElements = { readonly [name: string]: string | XmlElements };

/** Writes one element; text is escaped, and what XML cannot hold at all is left out. */
export function writeXml(name: string, content: string | XmlElements, namespace?: string): string {
  const opening = namespace === undefined ? name : `${name} xmlns="${escapeText(namespace)}"`;
  const inner =
    typeof content === 'string'
      ? escapeText(content)
      : Object.entries(content)
          .map(([child, value]) => writeXml(child, value))
          .join('');
  return `<${opening}>${inner}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"\r]/g, (character) => ENTITIES[character] ?? '');
}
