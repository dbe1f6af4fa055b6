/** One configuration, three projects; `dev/test.mjs` starts PostgreSQL and Redis and calls jest with it. */
const project = (name) => ({
  displayName: name,
  rootDir: name,
  testEnvironment: 'node',
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*(?<!\\.json))\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } },
    ],
  },
});

// eslint-disable-next-line no-restricted-syntax -- jest reads the default export
export default {
  projects: ['backend', 'sandbox', 'dev'].map(project),
  // Most of them wait for other processes: a third one uses what two leave of two cores (8 minutes in place of 12).
  maxWorkers: 3,
  testTimeout: 400_000,
  reporters: [
    'default',
    '<rootDir>/backend/tests/support/coverage-reporter.mjs',
    '<rootDir>/dev/jest-tally.mjs',
  ],
};
