import type { Sharing } from '../../message/index.js';
import type { Correlation } from './correlation.js';
import { Exclusive } from './exclusive.js';
import { Multiplexed } from './multiplexed.js';
import { Pipelined } from './pipelined.js';

export function correlationFor(sharing: Sharing): Correlation {
  if (sharing === 'multiplexed') return new Multiplexed();
  return sharing === 'pipelined' ? new Pipelined() : new Exclusive();
}
