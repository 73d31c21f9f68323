/**
 * npm's thrift. It requires an ES module, uuid, which Node can since 20.19 and jest's own `require` cannot: so that one is
 * imported for it.
 */
import { createRequire } from 'node:module';
import { jest } from '@jest/globals';
import type thrift from 'thrift';

const require = createRequire(import.meta.url);
const path = createRequire(require.resolve('thrift')).resolve('uuid');
const uuid = await import(path);
jest.doMock(path, () => uuid);

export default require('thrift') as typeof thrift;
