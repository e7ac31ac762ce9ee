/** Agents of npm and PyPI that reach the gateway by configuration alone: the blocks of docs/hosts.md are what runs here. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { block, endsInRound, gatewayFor, gateways, home, run, says, sent, stub } from './agents.mjs';
import { TOKEN, target } from './servers.mjs';

const ofNpm = (path) => fileURLToPath(new URL(`node_modules/${path}`, import.meta.url));

gatewayFor(
  ofNpm(`opencode-linux-${process.arch}/bin/opencode`),
  ofNpm(`@aaif/goose-binary-linux-x64/bin/goose`),
  `${target}/python/bin/llm`,
);

for (const gateway of gateways) {
  test(`OpenCode through ${gateway.name}`, async () => {
    const options = await home('opencode', gateway, 'json', 'opencode.json', '.');
    // It would ask for news of models and of itself.
    Object.assign(options.env, { OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_AUTOUPDATE: '1' });
    // Its tool for files gets the name of its parameter: that is what the stand-in calls a tool with.
    await writeFile(`${options.cwd}/filePath`, 'The harbour is closed.\n');
    const commands = block('sh', 'OpenCode');
    await stub.requests();
    assert.match(await run(commands, options), /You said: .*tell me of ships/);
    const asked = await stub.requests();
    assert.ok(commands.includes(says));
    assert.match(await run(commands.replace(says, 'Please use read.'), options), /<path>.*filePath<\/path>\n<type>file<\/type>/);
    if (!gateway.tells) return;
    // It asks for a title too, without tools.
    assert.ok(sent(asked, says).some(({ stream, tools }) => stream && tools?.some((tool) => tool.function.name === 'read')));
    endsInRound(await stub.requests(), 'Please use read.', 'read');
  });

  // The registry has it for this processor alone.
  test(`Goose through ${gateway.name}`, { skip: process.arch !== 'x64' }, async () => {
    const options = await home('goose', gateway, 'yaml', 'config.yaml', '.config/goose');
    Object.assign(options.env, { OPENAI_API_KEY: TOKEN, GOOSE_DISABLE_KEYRING: '1' });
    // Its tool for folders gets the name of its parameter: that is what the stand-in calls a tool with.
    await mkdir(`${options.cwd}/path`);
    await writeFile(`${options.cwd}/path/harbour`, 'closed');
    const commands = block('sh', 'Goose');
    await stub.requests();
    assert.match(await run(commands, options), /You said: "tell me of ships/);
    const asked = await stub.requests();
    assert.match(await run(commands.replace(says, 'Please use tree.'), options), /The tool said: [^]*harbour/);
    if (!gateway.tells) return;
    assert.ok(sent(asked, says).some(({ stream, tools }) => stream && tools?.some((tool) => tool.function.name === 'tree')));
    endsInRound(await stub.requests(), 'Please use tree.', 'tree');
  });

  test(`LLM through ${gateway.name}`, async () => {
    const options = await home('llm', gateway, 'yaml', 'extra-openai-models.yaml', '.config/io.datasette.llm');
    await writeFile(`${options.cwd}/weather.py`, 'def get_weather(city: str) -> str:\n    "The weather of a city"\n    return f"rain over {city}"\n');
    const commands = block('sh', 'LLM');
    await stub.requests();
    assert.match(await run(commands, options, `${TOKEN}\n`), /You said: "tell me of ships"/);
    const asked = await stub.requests();
    const withTool = commands.replace('llm keys set portkey\n', '').replace(`"${says}"`, '--functions weather.py "Use get_weather for Paris."');
    assert.match(await run(withTool, options), /The tool said: rain over city/);
    if (!gateway.tells) return;
    assert.ok(sent(asked, says)[0].stream);
    const last = sent(await stub.requests(), 'Use get_weather').at(-1);
    assert.equal(last.messages.at(-1).content, 'rain over city');
    assert.equal(last.messages.at(-1).tool_call_id, last.messages.at(-2).tool_calls[0].id);
  });
}
