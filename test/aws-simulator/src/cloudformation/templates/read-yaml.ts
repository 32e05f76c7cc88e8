import { isAlias, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import { validationError } from '../../errors/aws-error.ts';

/** Short tags whose long form is not `Fn::` and the tag. */
const LONG_FORMS: ReadonlyMap<string, string> = new Map([
  ['!Ref', 'Ref'],
  ['!Condition', 'Condition'],
]);

const LARGEST = 1_000_000;

/**
 * Reads the YAML 1.1 or JSON of a template; `!Sub text` becomes `{"Fn::Sub": "text"}` and so on.
 *
 * @throws AwsError `ValidationError`
 */
export function readYaml(text: string): unknown {
  if (Buffer.byteLength(text) > LARGEST) {
    throw validationError(`Template may not exceed ${LARGEST} bytes in size.`);
  }
  const document = parseDocument(text, { version: '1.1', logLevel: 'silent' });
  const [error] = document.errors;
  if (error !== undefined) {
    throw validationError(
      `Template format error: YAML not well-formed. (${error.message.split('\n', 1)[0]})`,
    );
  }
  return toData(document.contents);
}

function toData(node: unknown): unknown {
  if (node === null) return null;
  if (isAlias(node)) {
    throw validationError('Template error: YAML aliases are not allowed in CloudFormation templates');
  }
  if (!isNode(node)) throw validationError('Template format error: YAML not well-formed.');
  return node.tag?.startsWith('!') ? toFunction(node.tag, plainData(node)) : plainData(node);
}

function plainData(node: unknown): unknown {
  if (isSeq(node)) return node.items.map(toData);
  if (isMap(node)) {
    return Object.fromEntries(
      node.items.map(({ key, value }) => {
        const name = toData(key);
        if (typeof name !== 'string' && typeof name !== 'number') {
          throw validationError('Template format error: every key of an object has to be a text');
        }
        return [String(name), toData(value)];
      }),
    );
  }
  if (!isScalar(node)) return null;
  // CloudFormation has no dates: `Version: 2012-10-17` is a text.
  return node.value instanceof Date ? node.source : node.value;
}

function toFunction(tag: string, value: unknown): unknown {
  const name = LONG_FORMS.get(tag) ?? `Fn::${tag.slice(1)}`;
  if (name !== 'Fn::GetAtt' || typeof value !== 'string') return { [name]: value };
  const [resource = '', ...attribute] = value.split('.');
  return { [name]: [resource, attribute.join('.')] };
}
