export default {
  testEnvironment: 'node',
  // For machines under load; nothing is decided by how long a test takes.
  testTimeout: 60_000,
  roots: ['<rootDir>/test'],
  setupFiles: ['<rootDir>/test/setup/seed.ts'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/interop/', '<rootDir>/test/processes/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^meltemi$': '<rootDir>/src/index.ts',
    '^meltemi/(spi|operators)$': '<rootDir>/src/$1.ts',
    '^meltemi/testing$': '<rootDir>/src/testing/index.ts',
    '^meltemi/dubbo$': '<rootDir>/adapters/protocols/dubbo/index.ts',
    '^meltemi/file$': '<rootDir>/adapters/sources/file/index.ts',
    '^meltemi/(node|inversify)$': '<rootDir>/adapters/$1/index.ts',
    '^meltemi/engines/(.*)$': '<rootDir>/adapters/engines/$1.ts',
    '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'],
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: true,
      },
    ],
  },
  // A machine of two cores would get one worker.
  maxWorkers: '100%',
  coverageProvider: 'v8',
};
