import root from '../../jest.config.js';

/** Against real peers: run by `run.mjs`, which builds the peers first. */
export default {
  ...root,
  rootDir: '../..',
  roots: ['<rootDir>/test/interop'],
  testPathIgnorePatterns: ['/node_modules/', '/target/'],
  testTimeout: 60_000,
};
