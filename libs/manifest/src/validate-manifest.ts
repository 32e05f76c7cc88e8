import { create, type DescMessage, type Message } from '@bufbuild/protobuf';
import type { ManifestDocument } from './document.ts';
import { problemOfField } from './locate-field.ts';
import type { Problem } from './source/problem.ts';

/**
 * Checks a document that was read against the rules of its contract, each fault at its place in the text. The validator is
 * loaded at the first call because it is large.
 */
export async function validateManifest(document: ManifestDocument): Promise<readonly Problem[]> {
  const { kind, message } = document;
  if (!kind || !message) return document.problems;
  const validate = await loadValidator();
  return validate(kind.schema, message).map(({ path, message: text }) =>
    problemOfField(document, path, path === '' ? text : `\`${path}\`: ${text}`),
  );
}

type Validate = (schema: DescMessage, message: Message) => readonly { path: string; message: string }[];
let loaded: Promise<Validate> | undefined;

function loadValidator(): Promise<Validate> {
  loaded ??= (async () => {
    const [{ createValidator }, { pathToString }] = await Promise.all([
      import('@bufbuild/protovalidate'),
      import('@bufbuild/protobuf/reflect'),
    ]);
    const validator = createValidator();
    return (schema, message) => {
      const result = validator.validate(schema, create(schema, message));
      if (result.kind === 'valid') return [];
      if (result.kind === 'error') throw result.error;
      return result.violations.map(({ field, message: text }) => ({
        path: pathToString(field),
        message: text,
      }));
    };
  })();
  return loaded;
}
