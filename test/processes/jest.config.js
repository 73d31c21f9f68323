import root from '../../jest.config.js';

/** What the preload and the sidecar do, in processes of their own. */
export default {
  ...root,
  rootDir: '../..',
  roots: ['<rootDir>/test/processes'],
  testPathIgnorePatterns: ['/node_modules/'],
};
