#!/usr/bin/env node
/** Runs the program that the package of this machine's system holds. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import process from 'node:process';

const system = `${process.platform}-${process.arch}`;
const file = process.platform === 'win32' ? 'host-harness.exe' : 'host-harness';
/** @type {string} */ let program;
try {
  program = createRequire(import.meta.url).resolve(`openclaw-host-harness-${system}/${file}`);
} catch {
  console.error(`error: the package openclaw-host-harness-${system} is not installed\n`
    + 'hint: It is an optional dependency: install it with `npm install --include=optional`. Where there is none for this system, build the program from its sources.');
  process.exit(1);
}
const { status, signal, error } = spawnSync(program, process.argv.slice(2), { stdio: 'inherit' });
if (error) console.error(`error: ${error.message}`);
if (signal) process.kill(process.pid, signal);
process.exitCode = status ?? 1;
