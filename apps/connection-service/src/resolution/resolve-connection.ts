import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ResolveConnectionRequest,
  ResolveConnectionResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import type { DecisionStepSchema } from '@planton/api/connect/v1/resolution';
import type { DecisionStep } from '@planton/connection-resolver';
import type { Deps } from '../deps.ts';
import { explainPolicy, type Policy } from '../policies/policy.ts';
import { sources } from './decide-connection.ts';

export function resolveConnection(deps: Deps) {
  return async (
    request: ResolveConnectionRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ResolveConnectionResponseSchema>> => {
    const scope = await deps.scopeOf(context, request.environment);
    const { connection, source, decision } = await deps.decideConnection(scope, request, false);
    return {
      connection: connection.slug,
      connectionUid: connection.uid,
      revision: connection.revision,
      provider: connection.provider,
      source: sources[source],
      decision: [...decision.map(stepMessage), ...policyStep(connection.policy)],
    };
  };
}

function stepMessage(step: DecisionStep): MessageInitShape<typeof DecisionStepSchema> {
  const held = step.level === 'authorization' ? null : step.connection;
  return {
    level: step.level,
    outcome: step.outcome,
    connection: held?.slug ?? '',
    connectionUid: held?.uid ?? '',
    explanation: step.reason,
  };
}

/** What the organisation demands of the use, where it demands anything; whether it is met shows when credentials are issued. */
function policyStep(policy: Policy): MessageInitShape<typeof DecisionStepSchema>[] {
  const explanation = explainPolicy(policy);
  return explanation === '' ? [] : [{ level: 'policy', outcome: 'demanded', explanation }];
}
