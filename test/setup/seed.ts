import fc from 'fast-check';

/**
 * Property tests draw the same cases in each run, so that a red build is one that can be repeated; `FC_SEED=random` looks
 * further, `FC_SEED=<n>` repeats what such a run found. What fails prints its seed.
 */
const wanted = process.env.FC_SEED ?? '20261121';
if (wanted !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wanted) });
