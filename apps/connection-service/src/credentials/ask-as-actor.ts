import type { HandlerContext } from '@connectrpc/connect';
import { asActor } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import type { AskForValues } from '../references/resolve-references.ts';

/** Asks config-manager in the name of the actor, and for one connection only. */
export function askAsActor(
  { configManager }: Pick<Deps, 'configManager'>,
  context: HandlerContext,
  { org, ownerUid, purpose }: { readonly org: string; readonly ownerUid: string; readonly purpose: string },
): AskForValues {
  return (references) =>
    configManager.resolveReferences(
      { org, references, ownerUid, purpose },
      { contextValues: asActor(context) },
    );
}
