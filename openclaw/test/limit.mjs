/** Ends a test file that goes on for too long: `--test-timeout` ends tests that wait, not what they leave open or a busy loop. */
import { Worker } from 'node:worker_threads';

/** @param {number} minutes for the whole file */
export function limitFile(minutes) {
  if (!process.env.NODE_TEST_CONTEXT) return; // the runner, which waits for its files
  const end = `setTimeout(() => {
    require('node:fs').writeSync(2, 'This file took longer than ${minutes} minutes: a test hangs, or leaves something open.\\n');
    process.kill(process.pid, 'SIGKILL');
  }, ${minutes * 60_000})`;
  new Worker(end, { eval: true, execArgv: [] }).unref();
}
