import type { OperationOutput } from '@planton/api/runner/v1/operation';
import { compareAccount, externalIdNotEnforced } from '@planton/aws';
import type { Protection } from '../../verification/protection.ts';
import type { Conclusion } from '../provider.ts';
import { readTrustOutput, type TrustFacts } from './trust-operation.ts';

/** What it means for a connection what was observed of its role. */
export function readTrustVerification(output: OperationOutput, accountId: string): Conclusion {
  const facts = readTrustOutput(output, accountId);
  const { verdict, arn, observation, causes } = facts;
  return {
    outcome: verdict,
    message: verdict === 'verified' ? `account ${accountId} answered as ${arn}` : observation,
    causes,
    identity: arn,
    protection: protectionOf(facts),
    checks: checksOf(facts, accountId),
  };
}

function checksOf(facts: TrustFacts, accountId: string): Conclusion['checks'] {
  if (facts.accountId === '') return [];
  const wrong = compareAccount(accountId, facts.accountId);
  const detail = wrong?.message ?? `it is account ${accountId}`;
  return [{ name: 'comparing the account', passed: wrong === undefined, detail }];
}

function protectionOf({ externalId, letIn }: TrustFacts): Protection {
  const exposure = externalIdNotEnforced();
  switch (externalId) {
    case 'enforced':
      return {
        result: 'kept_out',
        observation: 'the role keeps out whoever has not its external ID',
        exposure,
      };
    case 'not_enforced':
      return {
        result: 'let_in',
        observation: `the role let in a caller ${letIn.length > 0 ? letIn.join(', and one ') : 'that had not its external ID'}`,
        exposure,
      };
    case 'inconclusive': {
      const observation =
        'it could not be found out whether the role keeps out whoever has not its external ID';
      return { result: 'unclear', observation, exposure };
    }
    case 'not_probed':
      return { result: 'not_tried', observation: '', exposure };
  }
}
