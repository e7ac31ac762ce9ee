/** Agents that reach the gateway by configuration alone, as docs/hosts.md has it: its blocks are what runs here. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { KEY, TOKEN, startPortkey, startStub, startWasmtime, stopAll, target } from './servers.mjs';

const MODEL = '@anthropic/claude-sonnet-4-5';
const opencode = fileURLToPath(new URL(`node_modules/opencode-linux-${process.arch}/bin/opencode`, import.meta.url));

let stub, hosted, real, page, folder;

before(async () => {
  const portkey = await startPortkey();
  let upstream;
  [stub, upstream] = await Promise.all([
    startStub('--token-delay', '0', '--require', `x-portkey-api-key: ${KEY}`),
    startStub('--token-delay', '0', '--upstream'),
  ]);
  const config = { provider: 'openai', api_key: 'sk-test', custom_host: upstream.url };
  const settings = { GATEWAY_TOKEN: TOKEN, CREDENTIAL_X_PORTKEY_API_KEY: KEY };
  hosted = await startWasmtime({ ...settings, GATEWAY_BASE_URL: stub.url });
  real = await startWasmtime({ ...settings, GATEWAY_BASE_URL: portkey, GATEWAY_HEADERS: JSON.stringify({ 'x-portkey-config': JSON.stringify(config) }) });
  page = await readFile(new URL('../../docs/hosts.md', import.meta.url), 'utf8');
  folder = await mkdtemp(`${tmpdir()}/agents-`);
  await mkdir(`${folder}/bin`);
  await symlink(opencode, `${folder}/bin/opencode`);
  await symlink(`${target}/python/bin/llm`, `${folder}/bin/llm`);
});
after(async () => {
  stopAll();
  await rm(folder, { recursive: true, force: true });
});

/** The block of a file, or of the commands of an agent. */
function block(name, agent = '') {
  const from = page.indexOf(agent && `\n## ${agent}\n`);
  const [, body] = page.slice(from).match(new RegExp(`\`\`\`${name}\n(.*?)\`\`\``, 's')) ?? assert.fail(`docs/hosts.md has no block ${name}`);
  return body;
}

/** A home of an agent's own, whose file of the page leads to this gateway. It finds nothing but what runs on this machine. */
async function home(name, { url }, language, file, place) {
  const of = await mkdtemp(`${folder}/${name}-`);
  const text = block(`${language} ${file}`);
  assert.ok(text.includes('http://127.0.0.1:8080/v1'));
  await mkdir(`${of}/${place}`, { recursive: true });
  await writeFile(`${of}/${place}/${file}`, text.replaceAll('http://127.0.0.1:8080/v1', url));
  const nowhere = 'http://127.0.0.1:9';
  const proxies = { HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, NO_PROXY: '127.0.0.1' };
  const env = { PATH: `${folder}/bin:${process.env.PATH}`, HOME: of, GATEWAY_TOKEN: TOKEN, ...proxies };
  return { cwd: of, env };
}

/** What commands print; they are given `input`, and must succeed. */
function run(commands, options, input = '') {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-euc', commands], { ...options, stdio: 'pipe', timeout: 90_000 });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (texts[name] += text));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(texts.stdout) : reject(new Error(`${commands} ended with ${code}\n${texts.stdout}${texts.stderr}`))));
    child.stdin.end(input);
  });
}

/** What went out for a prompt: with the key, which no agent holds, and for the model of the page. */
function sent(requests, said) {
  const of = requests.filter(({ body }) => JSON.stringify(body.messages ?? '').includes(said));
  assert.ok(of.length > 0, `${said} is in none of ${requests.length} requests`);
  for (const { path, headers, body } of of) {
    assert.deepEqual([path, body.model, headers['x-portkey-api-key']], ['/v1/chat/completions', MODEL, '***']);
    assert.equal(headers.authorization, undefined);
  }
  return of.map(({ body }) => body);
}

const says = 'tell me of ships';

for (const [name, of] of [['the hosted service', () => hosted], ['the real Portkey gateway', () => real]]) {
  test(`OpenCode through ${name}`, async () => {
    const options = await home('opencode', of(), 'json', 'opencode.json', '.');
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
    if (of() === real) return;
    // It asks for a title too, without tools.
    assert.ok(sent(asked, says).some(({ stream, tools }) => stream && tools?.some((tool) => tool.function.name === 'read')));
    const last = sent(await stub.requests(), 'Please use read.').at(-1);
    const [call, result] = last.messages.slice(-2);
    assert.deepEqual([call.role, call.tool_calls[0].function.name, result.role], ['assistant', 'read', 'tool']);
    assert.equal(result.tool_call_id, call.tool_calls[0].id);
  });

  test(`LLM through ${name}`, async () => {
    const options = await home('llm', of(), 'yaml', 'extra-openai-models.yaml', '.config/io.datasette.llm');
    await writeFile(`${options.cwd}/weather.py`, 'def get_weather(city: str) -> str:\n    "The weather of a city"\n    return f"rain over {city}"\n');
    const commands = block('sh', 'LLM');
    await stub.requests();
    assert.match(await run(commands, options, `${TOKEN}\n`), /You said: "tell me of ships"/);
    const asked = await stub.requests();
    const withTool = commands.replace('llm keys set portkey\n', '').replace(`"${says}"`, '--functions weather.py "Use get_weather for Paris."');
    assert.match(await run(withTool, options), /The tool said: rain over city/);
    if (of() === real) return;
    assert.ok(sent(asked, says)[0].stream);
    const last = sent(await stub.requests(), 'Use get_weather').at(-1);
    assert.equal(last.messages.at(-1).content, 'rain over city');
    assert.equal(last.messages.at(-1).tool_call_id, last.messages.at(-2).tool_calls[0].id);
  });
}
