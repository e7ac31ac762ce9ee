/** Agents of crates.io that reach the gateway by configuration alone: the blocks of docs/hosts.md are what runs here. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { block, endsInRound, gatewayFor, gateways, home, run, says, sent, stub } from './agents.mjs';
import { TOKEN, target } from './servers.mjs';

gatewayFor(`${target}/tools/zeroclaw@0.1.7/bin/zeroclaw`, `${target}/tools/ironclaw@0.24.0/bin/ironclaw`);

for (const gateway of gateways) {
  test(`ZeroClaw through ${gateway.name}`, async () => {
    const options = await home('zeroclaw', gateway, 'toml', 'config.toml', '.zeroclaw');
    options.env.ZEROCLAW_API_KEY = TOKEN;
    // Its tool for files gets the name of its parameter: that is what the stand-in calls a tool with.
    await mkdir(`${options.cwd}/.zeroclaw/workspace`);
    await writeFile(`${options.cwd}/.zeroclaw/workspace/path`, 'The harbour is closed.\n');
    const commands = block('sh', 'ZeroClaw');
    await stub.requests();
    assert.match(await run(commands, options), /You said: .*tell me of ships/);
    const asked = await stub.requests();
    assert.match(await run(commands.replace(says, 'Please use file_read.'), options), /The tool said: .*The harbour is closed\./);
    if (!gateway.tells) return;
    assert.ok(sent(asked, says)[0].tools.some((tool) => tool.function.name === 'file_read'));
    endsInRound(await stub.requests(), 'Please use file_read.', 'file_read');
  });

  test(`IronClaw through ${gateway.name}`, async () => {
    const options = await home('ironclaw', gateway, 'text', '.env', '.ironclaw');
    const nowhere = 'http://127.0.0.1:9';
    // A database without a server, a free port, tools without Docker, and not the service that it asks where nothing else is configured.
    Object.assign(options.env, { DATABASE_BACKEND: 'libsql', HTTP_PORT: '0', SANDBOX_ENABLED: 'false', NEARAI_AUTH_URL: nowhere, NEARAI_BASE_URL: nowhere });
    await mkdir(`${options.cwd}/path`);
    await writeFile(`${options.cwd}/path/harbour`, 'closed');
    const commands = block('sh', 'IronClaw');
    // It goes on after its answer, whatever its help says.
    await stub.requests();
    await run(commands, options, '', /You said: "tell me of ships"/);
    const asked = await stub.requests();
    await run(commands.replace(says, 'Please use list_dir.'), options, '', /The tool said: [^]*harbour/);
    if (!gateway.tells) return;
    assert.ok(sent(asked, says)[0].tools.some((tool) => tool.function.name === 'list_dir'));
    const last = sent(await stub.requests(), 'Please use list_dir.').at(-1);
    const result = last.messages.findLast(({ role }) => role === 'tool');
    const call = last.messages.findLast(({ tool_calls }) => tool_calls).tool_calls[0];
    assert.deepEqual([call.function.name, result.tool_call_id], ['list_dir', call.id]);
  });
}
