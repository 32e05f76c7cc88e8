import type { HandlerContext } from '@connectrpc/connect';
import { asActor, toDomainError } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import type { FieldValues, ReferenceUse } from './reference.ts';

/** What the variables hold that fields refer to, read as the actor. One that does not exist is left out. */
export async function readVariables(
  { configManager }: Pick<Deps, 'configManager'>,
  context: HandlerContext,
  org: string,
  uses: readonly ReferenceUse[],
): Promise<FieldValues> {
  const slugs = new Set(
    uses.flatMap(({ reference }) => (reference.kind === 'variable' ? [reference.slug] : [])),
  );
  const values = new Map(
    await Promise.all(
      [...slugs].map(async (slug): Promise<[string, string | undefined]> => {
        try {
          const { variable } = await configManager.getVariable(
            { org, slug },
            { contextValues: asActor(context) },
          );
          return [slug, variable?.value];
        } catch (thrown) {
          if (toDomainError(thrown)?.kind !== 'missing') throw thrown;
          return [slug, undefined];
        }
      }),
    ),
  );
  return new Map(
    uses.flatMap(({ field, reference }): [string, string][] => {
      const value = reference.kind === 'variable' ? values.get(reference.slug) : undefined;
      return value === undefined ? [] : [[field, value]];
    }),
  );
}
