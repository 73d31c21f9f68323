import { readdirSync, readFileSync } from 'node:fs';

/**
 * Nanoseconds of CPU time that this process and others have had, all their threads, by what the Linux scheduler counts: finer
 * than the ticks of `/proc/PID/stat`. The scheduler accounts for the running thread only now and then, and whenever the
 * thread itself asks for its usage.
 */
export function cpuOf(pids: readonly number[]): number {
  process.cpuUsage();
  let sum = 0;
  for (const pid of [process.pid, ...pids]) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0]);
    }
  }
  return sum;
}
