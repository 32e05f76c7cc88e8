import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideConditions } from './decide-conditions.ts';
import { evaluate, NO_VALUE, type Scope } from './evaluate.ts';
import { readYaml } from './read-yaml.ts';

const REFS = new Map<string, unknown>([
  ['Name', 'value'],
  ['List', ['a', 'b']],
  ['AWS::Region', 'us-west-2'],
  ['AWS::NoValue', NO_VALUE],
]);
const scope: Scope = {
  ref: (name) => {
    if (!REFS.has(name)) throw new Error(`no ${name}`);
    return REFS.get(name);
  },
  attribute: (resource, name) => `<${resource} ${name}>`,
  condition: (name) => name === 'Wanted',
};
const read = (yaml: string) => evaluate(readYaml(yaml), scope);

describe('functions', () => {
  test.each([
    ['!Ref Name', 'value'],
    ['{Ref: Name}', 'value'],
    ['!GetAtt Role.Arn', '<Role Arn>'],
    ['!GetAtt [Role, Data.Key]', '<Role Data.Key>'],
    ['{"Fn::GetAtt": "Role.Data.Key"}', '<Role Data.Key>'],
    [
      `!Sub 'a \${Name} \${Role.Arn} \${AWS::Region} \${!Literal} $x'`,
      `a value <Role Arn> us-west-2 \${Literal} $x`,
    ],
    [`!Sub ['\${Name}-\${Own}', {Own: !Ref Name}]`, 'value-value'],
    [`{"Fn::Sub": ["\${Name}", {"Name": 3}]}`, '3'],
    ['!If [Wanted, !Ref Name, !Ref Missing]', 'value'],
    ['!If [Unwanted, !Ref Missing, 7]', 7],
    ["!Join ['-', [a, !Ref Name, 3, true]]", 'a-value-3-true'],
    ["!Join [',', !Ref List]", 'a,b'],
    ["!Select [1, !Split [':', 'a:b:c']]", 'b'],
    ["!Select ['0', !Ref List]", 'a'],
    ["!Split ['', ab]", ['a', 'b']],
    [
      '{a: [1, !Ref AWS::NoValue, 2], b: !Ref AWS::NoValue, c: !If [Unwanted, x, !Ref AWS::NoValue]}',
      { a: [1, 2] },
    ],
    [
      '{Version: 2012-10-17, Condition: {StringEquals: {Ref2: x}}}',
      { Version: '2012-10-17', Condition: { StringEquals: { Ref2: 'x' } } },
    ],
    ['{m: 010, s: "010", b: yes, e: }', { m: 8, s: '010', b: true, e: null }],
  ])('%s', (yaml, expected) => {
    expect(read(yaml)).toEqual(expected);
  });

  test.each([
    ['!Select [2, [a, b]]', 'cannot select nonexistent value'],
    ['!Select [-1, [a, b]]', 'cannot select nonexistent value'],
    ['!Join [a]', 'the arguments of Fn::Join'],
    ["!Join [',', [{a: 1}]]", 'the arguments of Fn::Join'],
    ['!If [Wanted, a]', 'the arguments of Fn::If'],
    [`!Sub '\${not a name}'`, 'variable names in Fn::Sub syntax must contain only'],
    [`!Sub '\${}'`, 'variable names in Fn::Sub syntax must contain only'],
    [`!Sub '\${List}'`, 'the arguments of Fn::Sub'],
    ['{on: 1}', 'every key of an object has to be a text'],
    ['!If [Yes, a, b]', 'the arguments of Fn::If'],
    ['!Base64 x', 'Fn::Base64 is not understood here'],
    ['{"Fn::ImportValue": x}', 'Fn::ImportValue is not understood here'],
    ['{Ref: Name, Other: x}', 'every Ref object has to have one key alone'],
    ['[&a x, *a]', 'YAML aliases are not allowed in CloudFormation templates'],
    ['{a: 1, a: 2}', 'YAML not well-formed'],
    ['a: [', 'YAML not well-formed'],
    [`x: ${'x'.repeat(1_000_000)}`, 'Template may not exceed 1000000 bytes'],
  ])('refuses %.40s', (yaml, message) => {
    expect(() => read(yaml)).toThrow(message);
  });
});

test('data without functions comes out as JSON says it', () => {
  const key = fc.stringMatching(/^[A-Za-z]{1,8}$/).filter((name) => name !== 'Ref');
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.array(tie('value')),
      fc.dictionary(key, tie('value')),
    ),
  }));
  fc.assert(
    fc.property(value, (data) => {
      expect(read(JSON.stringify(data))).toEqual(data);
    }),
  );
});

describe('conditions', () => {
  const decide = (conditions: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      decideConditions(
        new Map(Object.entries(conditions).map(([name, yaml]) => [name, readYaml(yaml)])),
        scope.ref,
      ),
    );

  test('are decided whatever their order', () => {
    expect(
      decide({
        Neither: '!Not [!Or [{Condition: Is}, !Condition IsNot]]',
        Both: '!And [{Condition: Is}, !Not [!Condition IsNot]]',
        Is: '!Equals [!Ref Name, value]',
        IsNot: "!Equals [!Ref Name, '']",
        Joined: "!Equals [!Join ['', [val, ue]], !Ref Name]",
      }),
    ).toEqual({ Is: true, IsNot: false, Both: true, Neither: false, Joined: true });
  });

  test.each([
    [{ A: '!Condition B', B: '!Not [!Condition A]' }, 'unresolved condition dependency'],
    [{ A: '!Condition Missing' }, 'unresolved condition dependency Missing'],
    [{ A: '!Equals [a]' }, 'the arguments of Fn::Equals'],
    [{ A: '!And [!Equals [a, a]]' }, 'take 2 to 10 conditions'],
    [{ A: '!Equals [!GetAtt Role.Arn, a]' }, 'Fn::GetAtt cannot be used'],
    [{ A: '!Equals [!Ref Role, a]' }, 'no Role'],
    [{ A: 'true' }, 'Conditions can only be boolean operations'],
    [{ A: '{"Fn::Not": [], "Fn::And": []}' }, 'Conditions can only be boolean operations'],
  ])('%j', (conditions, message) => {
    expect(() => decide(conditions as Record<string, string>)).toThrow(message);
  });
});
