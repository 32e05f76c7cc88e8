import type { PolicyStatement } from '../policy-document.ts';
import { allow, ownArn } from './statement.ts';

/** Metrics, alarms, dashboards, and log groups with what is in them. */
export const CLOUDWATCH_MONITORING: readonly PolicyStatement[] = [
  allow(
    'Alarms',
    'cloudwatch',
    [
      'PutMetricAlarm',
      'PutCompositeAlarm',
      'DeleteAlarms',
      'EnableAlarmActions',
      'DisableAlarmActions',
      'DeleteDashboards',
      'PutDashboard',
      'TagResource',
      'UntagResource',
    ],
    [ownArn('cloudwatch', '*')],
  ),
  allow(
    'Metrics',
    'cloudwatch',
    ['PutMetricData', 'PutAnomalyDetector', 'DeleteAnomalyDetector', 'Describe*', 'Get*', 'List*'],
    '*',
  ),
  allow(
    'LogGroups',
    'logs',
    [
      'CreateLogGroup',
      'DeleteLogGroup',
      'PutRetentionPolicy',
      'DeleteRetentionPolicy',
      'PutMetricFilter',
      'DeleteMetricFilter',
      'PutSubscriptionFilter',
      'DeleteSubscriptionFilter',
      'AssociateKmsKey',
      'DisassociateKmsKey',
      'TagResource',
      'UntagResource',
      'FilterLogEvents',
      'GetLogEvents',
      'StartQuery',
    ],
    ownArn('logs', '*'),
  ),
  allow(
    'ReadLogGroups',
    'logs',
    [
      'DescribeLogGroups',
      'DescribeLogStreams',
      'DescribeMetricFilters',
      'DescribeSubscriptionFilters',
      'ListTags*',
      'GetQueryResults',
      'StopQuery',
    ],
    '*',
  ),
];
