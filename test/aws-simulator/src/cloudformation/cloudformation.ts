import type { Service } from '../server/service.ts';
import { describeStacks } from './describe-stacks.ts';

/** AWS CloudFormation, of which others see no more than its stacks: they are made through the console. */
export const cloudformation: Service = {
  name: 'cloudformation',
  version: '2010-05-15',
  namespace: 'http://cloudformation.amazonaws.com/doc/2010-05-15/',
  actions: new Map([['DescribeStacks', describeStacks]]),
};
