export { admitAs } from './admit-as.ts';
export { createTestPlatform, type TestMember, type TestPlatform } from './test-platform.ts';
