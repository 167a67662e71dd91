// Bots on other people's libraries, as released, against the local Discord: what it says is understood by more than its
// own tests. One scenario for all: a person's side is driven over the page's API, and the bot's is watched there.
//
// SANDBOX is the program; DISCORD_OPENAPI, if set, is Discord's specification, which everything said has to keep to;
// PYTHON has discord.py and hikari; SERENITY is the bot in `serenity`, built. Nothing here sleeps: each step waits for
// what is told. What each client passed has to be what `results.json` says; WRITE_RESULTS=1 writes it, and sandbox/FIDELITY.md
// is made of it.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import WebSocket from 'ws';

const { SANDBOX, DISCORD_OPENAPI, PYTHON = 'python3', SERENITY, WRITE_RESULTS, ONLY } = process.env;
const PATIENCE = 20_000;
const here = import.meta.dirname;

/** What was told so far, and whoever waits for more of it. */
class Told {
  #all = [];
  #waiting = new Set();

  add(one) {
    this.#all.push(one);
    for (const look of this.#waiting) look();
  }

  all(wanted = () => true) {
    return this.#all.filter(wanted);
  }

  /** The first that is wanted, among those after the `from`th. */
  async first(what, wanted, from = 0) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        clearTimeout(limit);
        this.#waiting.delete(look);
        settle(value);
      };
      const look = () => {
        const found = this.#all.slice(from).find(wanted);
        if (found !== undefined) end(resolve, found);
      };
      const limit = setTimeout(() => end(reject, new Error(`never came: ${what}; told was\n${this.#all.slice(-30).map((one) => JSON.stringify(one).slice(0, 600)).join('\n')}`)), PATIENCE);
      this.#waiting.add(look);
      look();
    });
  }

  get count() {
    return this.#all.length;
  }
}

const running = new Set();
after(() => running.forEach((child) => child.kill('SIGKILL')));

/** A program whose lines of JSON are told. */
function start(command, parameters, environment) {
  const child = spawn(command, parameters, { cwd: here, env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  const told = new Told();
  const errors = [];
  createInterface({ input: child.stdout }).on('line', (line) => told.add(line.startsWith('{') ? JSON.parse(line) : { line }));
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  child.on('exit', (code, signal) => {
    running.delete(child);
    told.add({ event: 'ended', code, signal, errors: errors.slice(-20) });
  });
  return { child, told, errors };
}

/** A local Discord, and what one person sees of it. */
async function discord() {
  assert.ok(SANDBOX, 'SANDBOX has to be the program `sandbox`, as cargo builds it');
  const program = start(SANDBOX, ['--port', '0', '--until-stdin-closes', ...(DISCORD_OPENAPI ? ['--openapi', DISCORD_OPENAPI] : [])]);
  const addresses = await program.told.first('the addresses', (one) => one.page_url || one.event);
  assert.ok(addresses.page_url, JSON.stringify(addresses));
  const page = new Told();
  const socket = new WebSocket(addresses.page_url.replace('http', 'ws') + 'page/live');
  socket.on('message', (data) => page.add(JSON.parse(data)));
  const state = (await page.first('the state', (one) => one.type === 'state')).data;
  const channel_id = state.guilds[0].channels.find((channel) => channel.name === 'general').id;
  const post = async (path, body) => {
    const answer = await fetch(new URL(`page/${path}`, addresses.page_url), { method: 'POST', body: JSON.stringify(body) });
    const said = await answer.text();
    assert.ok(answer.ok, `${path}: ${said}`);
    return said === '' ? undefined : JSON.parse(said);
  };
  const act = (path, body) => post(path, { as: state.me.id, channel_id, ...body });
  const local = {
    addresses,
    page,
    state,
    /** `act` as the owner in the channel "general". */
    act,
    fail: async (fault, more = {}) => {
      const answer = await fetch(new URL('page/faults', addresses.page_url), { method: 'POST', body: JSON.stringify({ fault, ...more }) });
      assert.ok(answer.ok, await answer.text());
    },
    post,
    /** The commands, once they are registered. */
    commands: [],
    command: (name) => local.commands.find((one) => one.name === name).id,
    slash: (name, options) => act('slash', { command_id: local.command(name), options }),
    click: (message, values) => act('click', { message_id: message.id, custom_id: message.components[0].components[0].custom_id, values }),
    refused: () => page.all((one) => one.type === 'rest_error').map((one) => one.data),
    says: (content) => act('messages', { content }),
    /** A message of the bot, new or changed. */
    message: (what, wanted, from = 0) => page.first(what, (one) => /^message_(create|update)$/.test(one.type) && one.data.author.id === state.bot.id && wanted(one.data), from).then((one) => one.data),
    stop: async () => {
      socket.close();
      program.child.stdin.end();
      const ended = await program.told.first('the end of the local Discord', (one) => one.event === 'ended');
      assert.equal(ended.code, 0, ended.errors.join('\n'));
    },
  };
  return local;
}

const names = (all) => all.map((one) => one.name).sort();
const version = (text, pattern) => text.match(pattern)[1];
const ofPython = readFileSync(`${here}/requirements.txt`, 'utf8');
const ofNode = JSON.parse(readFileSync(`${here}/package.json`, 'utf8')).devDependencies;
const ofRust = readFileSync(`${here}/serenity/Cargo.toml`, 'utf8');

/** Name with version, program, its parameters, and what else it is told. */
const CLIENTS = [
  [`discord.py ${version(ofPython, /discord\.py==(.*)/)}`, PYTHON, ['bots/discordpy.py']],
  [`discord.js ${ofNode['discord.js']}`, process.execPath, ['-r', './sealed.cjs', 'bots/discordjs.mjs']],
  [`hikari ${version(ofPython, /hikari==(.*)/)}`, PYTHON, ['bots/hikaribot.py']],
  [`oceanic.js ${ofNode['oceanic.js']}`, process.execPath, ['-r', './sealed.cjs', 'bots/oceanic.mjs']],
  [`eris ${ofNode.eris}`, process.execPath, ['-r', './sealed.cjs', 'bots/eris.cjs']],
  [`serenity ${version(ofRust, /serenity = \{ version = "=([^"]*)"/)}`, SERENITY, []],
].filter(([name]) => !ONLY || name.startsWith(ONLY));

/** What each client has to pass, in order. */
const SCENARIO = {
  'logs in, and caches the servers': async ({ bot, local }) => {
    const ready = await bot.told.first('the bot is ready', (one) => one.event === 'ready' || one.event === 'ended');
    const [guild] = local.state.guilds;
    const expected = { name: guild.name, channels: names(guild.channels.filter((channel) => channel.type === 0)), roles: names(guild.roles), members: guild.members.map((member) => member.user.username).sort() };
    assert.deepEqual(ready, { event: 'ready', user: local.state.bot.id, guilds: [expected] });
  },
  'registers commands': async ({ bot, local }) => {
    const registered = await bot.told.first('the commands are registered', (one) => one.event === 'registered');
    assert.deepEqual(registered.commands.sort(), ['ask', 'echo', 'pick', 'slow']);
    local.commands = (await local.page.first('the commands', (one) => one.type === 'commands' && one.data.length === 4)).data;
  },
  'prefix command, reaction of its own': async ({ local }) => {
    const said = await local.says('!ping there');
    const answer = await local.message('the answer', (message) => message.content === 'pong there');
    assert.equal(answer.message_reference.message_id, said.id);
    assert.equal(answer.referenced_message.content, '!ping there');
    const reacted = await local.page.first('the reaction', (one) => one.type === 'message_update' && one.data.id === said.id && one.data.reactions?.length);
    assert.equal(reacted.data.reactions[0].emoji.name, '👍');
    local.answer = answer;
  },
  "a person's reaction": async ({ bot, local }) => {
    await local.act('reactions', { message_id: local.answer.id, emoji: '🎉' });
    const told = await bot.told.first('the reaction', (one) => one.event === 'reaction');
    assert.equal(told.emoji, '🎉');
  },
  'slash command with options': async ({ local }) => {
    await local.slash('echo', [{ name: 'text', type: 3, value: 'hey' }, { name: 'times', type: 4, value: 2 }]);
    local.answer = await local.message('the answer', (message) => message.content === 'hey hey');
  },
  autocomplete: async ({ local }) => {
    const { interaction_id } = await local.act('choices', { command_id: local.command('echo'), options: [{ name: 'text', type: 3, value: 'he' }], focused: 'text' });
    const told = await local.page.first('the choices', (one) => one.type === 'interaction' && one.data.id === interaction_id && one.data.choices);
    assert.deepEqual(told.data.choices, [{ name: 'he!', value: 'he!' }, { name: 'he?', value: 'he?' }]);
  },
  'button: message changed, ephemeral follow-up': async ({ local }) => {
    await local.click(local.answer);
    const changed = await local.message('the change', (message) => message.content === 'hey hey again');
    assert.deepEqual([changed.id, changed.components], [local.answer.id, []]);
    const note = await local.message('the note', (message) => message.content === 'only for you');
    assert.equal(note.flags & 64, 64);
  },
  'deferred answer, with the member of an option': async ({ local }) => {
    const alice = local.state.guilds[0].members.find((member) => member.user.username === 'alice');
    await local.slash('slow', [{ name: 'who', type: 6, value: alice.user.id }]);
    const answer = await local.message('the answer', (message) => message.embeds.length === 1);
    const [, id, roles] = answer.embeds[0].description.match(/^<@!?(\d+)> has (\d+) roles$/);
    assert.deepEqual([id, Number(roles)], [alice.user.id, alice.roles.length + 1]);
  },
  select: async ({ local }) => {
    await local.slash('pick', []);
    const answer = await local.message('the select', (message) => message.content === 'which?');
    await local.click(answer, ['green']);
    const changed = await local.message('the choice', (message) => message.content === 'picked green');
    assert.deepEqual([changed.id, changed.components], [answer.id, []]);
  },
  modal: async ({ local }) => {
    const { interaction_id } = await local.slash('ask', []);
    const shown = await local.page.first('the modal', (one) => one.type === 'interaction' && one.data.id === interaction_id && one.data.state === 'modal');
    assert.equal(shown.data.modal.title, 'Ask');
    await local.act('modal', { interaction_id, values: { answer: 'forty-two' } });
    await local.message('the answer', (message) => message.content === 'you said forty-two');
  },
  'edit and delete': async ({ local }) => {
    await local.says('!change');
    const first = await local.message('the message', (message) => message.content === 'first');
    const second = await local.message('the edit', (message) => message.content === 'second');
    assert.equal(second.id, first.id);
    assert.ok(second.edited_timestamp);
    await local.page.first('the deletion', (one) => one.type === 'message_delete' && one.data.id === first.id);
  },
  ban: async ({ local }) => {
    const [guild] = local.state.guilds;
    const mallory = await local.post('people', { name: 'mallory', guild_id: guild.id });
    await local.says(`!ban <@${mallory.id}>`);
    await local.message('the answer', (message) => message.content === 'banned mallory');
    await local.page.first('mallory is gone', (one) => one.type === 'member_remove' && one.data.user.id === mallory.id);
  },
  'permission error': async ({ local }) => {
    await local.says(`!ban <@${local.state.me.id}>`);
    await local.message('the refusal', (message) => message.content === 'refused 50013');
    assert.equal(local.refused().filter((one) => one.status === 403 && one.body.code === 50013).length, 1);
  },
  'rate limit: waits, and asks again': async ({ local }) => {
    await local.fail('rest_limited', { retry_after: 0.3, route: 'POST /channels/{channel_id}/messages' });
    await local.says('!ping limited');
    await local.message('the answer', (message) => message.content === 'pong limited');
    assert.equal(local.refused().filter((one) => one.status === 429).length, 1);
  },
  'dropped connection, resumed without a loss': async ({ bot, local }) => {
    for (const round of [1, 2]) {
      const before = bot.told.count;
      await local.fail('drop');
      const asked = [1, 2, 3, 4, 5].map((number) => `${round}.${number}`);
      for (const number of asked) await local.says(`!ping ${number}`);
      await bot.told.first('the bot resumes', (one) => one.event === 'resumed', before);
      for (const number of asked) await local.message(`the answer to ${number}`, (message) => message.content === `pong ${number}`);
      await local.says(`!ping after ${round}`);
      await local.message('an answer afterwards', (message) => message.content === `pong after ${round}`);
    }
    const answers = local.page.all((one) => one.type === 'message_create' && /^pong/.test(one.data.content)).map((one) => one.data.content);
    assert.equal(new Set(answers).size, answers.length, `none is answered twice: ${answers}`);
    assert.equal(bot.told.all((one) => one.event === 'ready').length, 1, 'it never had to start anew');
  },
  'nothing failed, and nothing else was refused': async ({ bot, local }) => {
    // discord.py warns of the limit that it waited for.
    const errors = bot.errors.filter((line) => !line.includes('We are being rate limited.'));
    assert.deepEqual(bot.told.all((one) => one.event === 'failed' || one.event === 'ended').concat(errors), []);
    assert.deepEqual(local.refused().map((one) => one.status).filter((status) => status !== 429), [403]);
    assert.deepEqual(local.page.all((one) => one.type === 'violation').map((one) => one.data), []);
  },
};

/** What a client cannot do anywhere but at Discord itself. */
const BEYOND = {
  serenity: { 'rate limit: waits, and asks again': 'its limiter works only with Discord\'s own address' },
};

const results = [];

for (const [client, command, parameters] of CLIENTS) {
  test(`${client} takes the local Discord for Discord`, async (t) => {
    assert.ok(command, 'SERENITY has to be the bot in `serenity`, as cargo builds it');
    const local = await discord();
    const { addresses } = local;
    const bot = start(command, parameters, { DISCORD_TOKEN: addresses.token, DISCORD_API_URL: addresses.api_url, DISCORD_GATEWAY_URL: addresses.gateway_url });
    const steps = {};
    results.push({ client, steps });
    for (const [name, step] of Object.entries(SCENARIO)) {
      const why = BEYOND[client.split(' ')[0]]?.[name];
      if (why) steps[name] = why;
      else await t.test(name, async () => {
        steps[name] = 'no';
        await step({ bot, local });
        steps[name] = 'yes';
      });
    }
    bot.child.kill('SIGKILL');
    await bot.told.first('its end', (one) => one.event === 'ended');
    await local.stop();
  });
}

test('what each client passes is what is written', () => {
  if (ONLY) return;
  const file = `${here}/results.json`;
  const found = { steps: Object.keys(SCENARIO), clients: results };
  if (WRITE_RESULTS) writeFileSync(file, `${JSON.stringify(found, null, 1)}\n`);
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), found, 'WRITE_RESULTS=1 writes results.json anew; then make sandbox/FIDELITY.md anew');
});

test('a discord.py bot says the same in simcord and here', async () => {
  if (ONLY && ONLY !== 'simcord') return;
  const local = await discord();
  const { addresses, page, state } = local;
  const bot = start(PYTHON, ['bots/discordpy.py'], { DISCORD_TOKEN: addresses.token, DISCORD_API_URL: addresses.api_url, DISCORD_GATEWAY_URL: addresses.gateway_url });
  await bot.told.first('the bot is ready', (one) => one.event === 'ready');
  local.commands = (await page.first('the commands', (one) => one.type === 'commands' && one.data.length === 4)).data;
  const [guild] = state.guilds;
  const alice = guild.members.find((member) => member.user.username === 'alice');
  const mallory = await local.post('people', { name: 'mallory', guild_id: guild.id });
  const message = (content) => local.message(content, (one) => one.content === content);
  await local.says('!ping there');
  await message('pong there');
  await local.slash('echo', [{ name: 'text', type: 3, value: 'hey' }, { name: 'times', type: 4, value: 2 }]);
  await local.click(await message('hey hey'));
  await message('only for you');
  await local.slash('slow', [{ name: 'who', type: 6, value: alice.user.id }]);
  await local.message('the embed', (one) => one.embeds.length === 1);
  await local.slash('pick', []);
  await local.click(await message('which?'), ['green']);
  await message('picked green');
  const { interaction_id } = await local.slash('ask', []);
  await page.first('the modal', (one) => one.type === 'interaction' && one.data.id === interaction_id && one.data.state === 'modal');
  await local.act('modal', { interaction_id, values: { answer: 'forty-two' } });
  await message('you said forty-two');
  await local.says('!change');
  await page.first('the deletion', (one) => one.type === 'message_delete');
  await local.says(`!ban <@${mallory.id}>`);
  await message('banned mallory');
  await local.says(`!ban <@${state.me.id}>`);
  await message('refused 50013');
  await local.says('!transcript');
  const said = (await bot.told.first('the transcript', (one) => one.event === 'transcript')).lines;
  const { stdout, stderr } = spawnSync(PYTHON, ['bots/insimcord.py'], { cwd: here, encoding: 'utf8', timeout: 3 * PATIENCE });
  const told = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const there = told.find((one) => one.event === 'transcript');
  assert.ok(there, `${stdout}\n${stderr}`);
  assert.ok(said.length >= 12, said.join('\n'));
  // What differs is told in simcord.md, line by line.
  const named = readFileSync(`${here}/simcord.md`, 'utf8');
  const pairs = [...said.keys()].filter((at) => said[at] !== there.lines[at]);
  const unexplained = pairs.filter((at) => !(named.includes(said[at]) && named.includes(there.lines[at])));
  assert.deepEqual(unexplained.map((at) => ({ here: said[at], simcord: there.lines[at] })), []);
  assert.equal(there.lines.length, said.length, there.lines.join('\n'));
  bot.child.kill('SIGKILL');
  await bot.told.first('its end', (one) => one.event === 'ended');
  await local.stop();
});

test('the seals hold: what is not this computer is refused', () => {
  const ask = (command, parameters) => {
    const { stdout, stderr } = spawnSync(command, parameters, { cwd: here, encoding: 'utf8', timeout: PATIENCE });
    return stdout + stderr;
  };
  // Addresses for documentation: nobody's.
  for (const host of ['192.0.2.1', 'discord.example']) {
    const script = `fetch('http://${host}/').catch((error) => console.log(String(error.cause ?? error)))`;
    assert.match(ask(process.execPath, ['-r', './sealed.cjs', '-e', script]), new RegExp(`sealed: nothing may connect to ${host}`));
    const python = `import sys; sys.path.insert(0, 'bots'); import sealed, socket\nsocket.create_connection(('${host}', 80), 5)`;
    assert.match(ask(PYTHON, ['-c', python]), new RegExp(`sealed: nothing may connect to ${host}`));
  }
});
