import root from '../../jest.config.js';

/** Stories of many processes each. */
export default {
  ...root,
  rootDir: '../..',
  roots: ['<rootDir>/test/processes'],
  testPathIgnorePatterns: ['/node_modules/'],
};
