#!/usr/bin/env node
/** Runs the program that the package of this machine's system holds. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

// Every user of the machine can read the arguments of this process, which may hold secrets, and it stays as long as the program.
process.title = 'host-harness';

const system = `${process.platform}-${process.arch}`;
const file = process.platform === 'win32' ? 'host-harness.exe' : 'host-harness';
/** @type {string} */ let program;
try {
  // It is looked for beside this package alone, and not where `NODE_PATH` or `HOME` lead.
  program = fileURLToPath(import.meta.resolve(`openclaw-host-harness-${system}/${file}`));
} catch {
  console.error(`error: the package openclaw-host-harness-${system} is not installed\n`
    + 'hint: It is an optional dependency: install it with `npm install --include=optional`. Where there is none for this system, build the program from its sources.');
  process.exit(1);
}
const { status, signal, error } = spawnSync(program, process.argv.slice(2), { stdio: 'inherit' });
if (error) console.error(`error: ${error.message}`);
if (signal) process.kill(process.pid, signal);
process.exitCode = status ?? 1;
