export { admitAs } from './admit-as.ts';
export { outcomeOf } from './outcome-of.ts';
export { createTestPlatform, type TestMember, type TestPlatform } from './test-platform.ts';
