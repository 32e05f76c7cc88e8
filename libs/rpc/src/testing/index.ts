export { createTestPlatform, type TestMember, type TestPlatform } from './test-platform.ts';
