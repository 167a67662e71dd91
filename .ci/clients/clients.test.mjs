// Bots on other people's libraries, as released, against the local Discord: what it says is understood by more than its
// own tests. Each logs in, knows the servers, answers, and resumes; a person's side is driven over the page's API.
//
// SANDBOX is the program; DISCORD_OPENAPI, if set, is Discord's specification, which everything said has to keep to;
// PYTHON has discord.py. Nothing here sleeps: each step waits for what is told.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import WebSocket from 'ws';

const { SANDBOX, DISCORD_OPENAPI, PYTHON = 'python3' } = process.env;
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
      const limit = setTimeout(() => end(reject, new Error(`never came: ${what}; told was\n${this.#all.slice(-30).map((one) => JSON.stringify(one).slice(0, 400)).join('\n')}`)), PATIENCE);
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
  const act = async (path, body) => {
    const answer = await fetch(new URL(`page/${path}`, addresses.page_url), { method: 'POST', body: JSON.stringify({ as: state.me.id, channel_id, ...body }) });
    const said = await answer.json();
    assert.ok(answer.ok, `${path}: ${JSON.stringify(said)}`);
    return said;
  };
  return {
    addresses,
    page,
    state,
    /** `act` as the owner in the channel "general". */
    act,
    fail: async (fault) => {
      const answer = await fetch(new URL('page/faults', addresses.page_url), { method: 'POST', body: JSON.stringify({ fault }) });
      assert.ok(answer.ok, await answer.text());
    },
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
}

const names = (all) => all.map((one) => one.name).sort();

for (const [library, command, parameters] of [
  ['discord.py', PYTHON, ['bot.py']],
  ['discord.js', process.execPath, ['-r', './sealed.cjs', 'bot.mjs']],
]) {
  test(`${library} logs in, answers, and resumes without losing a message`, async (t) => {
    const local = await discord();
    const { addresses, page, state } = local;
    const bot = start(command, parameters, { DISCORD_TOKEN: addresses.token, DISCORD_API_URL: addresses.api_url, DISCORD_GATEWAY_URL: addresses.gateway_url });

    await t.test('it knows the servers, and registers its commands', async () => {
      const ready = await bot.told.first('the bot is ready', (one) => one.event === 'ready' || one.event === 'ended');
      const [guild] = state.guilds;
      const expected = { name: guild.name, channels: names(guild.channels.filter((channel) => channel.type === 0)), roles: names(guild.roles), members: guild.members.map((member) => member.user.username).sort() };
      assert.deepEqual(ready, { event: 'ready', user: state.bot.id, guilds: [expected] });
      const registered = await bot.told.first('the commands are registered', (one) => one.event === 'registered');
      assert.deepEqual(registered.commands.sort(), ['echo', 'slow']);
    });
    const commands = (await page.first('the commands', (one) => one.type === 'commands' && one.data.length === 2)).data;
    const id = (name) => commands.find((one) => one.name === name).id;

    await t.test('it answers a message, with a reaction', async () => {
      const said = await local.says('!ping there');
      const answer = await local.message('the answer', (message) => message.content === 'pong there');
      assert.equal(answer.message_reference.message_id, said.id);
      assert.equal(answer.referenced_message.content, '!ping there');
      const reacted = await page.first('the reaction', (one) => one.type === 'message_update' && one.data.id === said.id && one.data.reactions?.length);
      assert.equal(reacted.data.reactions[0].emoji.name, '👍');
    });

    await t.test('it answers a slash command and its button', async () => {
      await local.act('slash', { command_id: id('echo'), options: [{ name: 'text', type: 3, value: 'hey' }, { name: 'times', type: 4, value: 2 }] });
      const answer = await local.message('the answer', (message) => message.content === 'hey hey');
      await local.act('click', { message_id: answer.id, custom_id: answer.components[0].components[0].custom_id });
      const changed = await local.message('the change', (message) => message.content === 'hey hey again');
      assert.deepEqual([changed.id, changed.components], [answer.id, []]);
      const note = await local.message('the note', (message) => message.content === 'only for you');
      assert.equal(note.flags & 64, 64);
    });

    await t.test('it defers, and finds the member of an option', async () => {
      const alice = state.guilds[0].members.find((member) => member.user.username === 'alice');
      await local.act('slash', { command_id: id('slow'), options: [{ name: 'who', type: 6, value: alice.user.id }] });
      const answer = await local.message('the answer', (message) => message.embeds.length === 1);
      assert.equal(answer.embeds[0].description, `<@${alice.user.id}> has ${alice.roles.length + 1} roles`);
    });

    await t.test('it resumes after a drop, and loses no message', async () => {
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
      const answers = page.all((one) => one.type === 'message_create' && /^pong/.test(one.data.content)).map((one) => one.data.content);
      assert.equal(new Set(answers).size, answers.length, `none is answered twice: ${answers}`);
      assert.equal(bot.told.all((one) => one.event === 'ready').length, 1, 'it never had to start anew');
    });

    assert.deepEqual(bot.told.all((one) => one.event === 'failed' || one.event === 'ended').concat(bot.errors), []);
    assert.deepEqual(page.all((one) => one.type === 'rest_error').map((one) => one.data), []);
    assert.deepEqual(page.all((one) => one.type === 'violation').map((one) => one.data), []);
    bot.child.kill('SIGKILL');
    await bot.told.first('its end', (one) => one.event === 'ended');
    await local.stop();
  });
}

test('the seals hold: what is not this computer is refused', () => {
  const ask = (command, parameters) => {
    const { stdout, stderr } = spawnSync(command, parameters, { cwd: here, encoding: 'utf8', timeout: PATIENCE });
    return stdout + stderr;
  };
  // Addresses for documentation: nobody's.
  for (const host of ['192.0.2.1', 'discord.example']) {
    const script = `fetch('http://${host}/').catch((error) => console.log(String(error.cause ?? error)))`;
    assert.match(ask(process.execPath, ['-r', './sealed.cjs', '-e', script]), new RegExp(`sealed: nothing may connect to ${host}`));
    const python = `import sealed, socket\nsocket.create_connection(('${host}', 80), 5)`;
    assert.match(ask(PYTHON, ['-c', python]), new RegExp(`sealed: nothing may connect to ${host}`));
  }
});
