import type { PolicyStatement } from '../policy-document.ts';
import { PARTITION } from '../pseudo-parameters.ts';
import { allow, describeNetworks } from './statement.ts';

/** Hosted zones, public and private, their records, and health checks. */
export const ROUTE53_DNS: readonly PolicyStatement[] = [
  allow(
    'Zones',
    'route53',
    [
      'DeleteHostedZone',
      'UpdateHostedZone*',
      'ChangeResourceRecordSets',
      'ChangeTagsForResource',
      'AssociateVPCWithHostedZone',
      'DisassociateVPCFromHostedZone',
      'UpdateHealthCheck',
      'DeleteHealthCheck',
    ],
    [`arn:${PARTITION}:route53:::hostedzone/*`, `arn:${PARTITION}:route53:::healthcheck/*`],
  ),
  allow('CreateAndRead', 'route53', ['CreateHostedZone', 'CreateHealthCheck', 'Get*', 'List*'], '*'),
  describeNetworks(),
];
