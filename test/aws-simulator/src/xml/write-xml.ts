export type XmlContent = string | XmlElements | readonly XmlContent[];

/** Elements by name, in the order they are written. A list is written as `member` elements. */
export type XmlElements = { readonly [name: string]: XmlContent };

/** Writes one element; text is escaped, and what XML cannot hold at all is left out. */
export function writeXml(name: string, content: XmlContent, namespace?: string): string {
  const opening = namespace === undefined ? name : `${name} xmlns="${escapeText(namespace)}"`;
  return `<${opening}>${writeContent(content)}</${name}>`;
}

function writeContent(content: XmlContent): string {
  if (typeof content === 'string') return escapeText(content);
  const children = isList(content)
    ? content.map((each) => ['member', each] as const)
    : Object.entries(content);
  return children.map(([child, value]) => writeXml(child, value)).join('');
}

function isList(content: Exclude<XmlContent, string>): content is readonly XmlContent[] {
  return Array.isArray(content);
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
