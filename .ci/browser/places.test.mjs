// Where people have been and what stands where: unread marks of each person, the way back from older messages, and the
// order of channels and roles by pointer and by keys.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from './harness.mjs';

const it = stage();
const { ends, isSound, open, picture, says, shows } = it;

const channels = (page = it.olivia) => page.getByRole('navigation', { name: 'Channels' });
const channel = (name, page = it.olivia) => channels(page).getByRole('button', { name, exact: typeof name === 'string' });
const post = (path, body) => fetch(new URL(path, it.world.url), { method: 'POST', body: JSON.stringify(body) }).then(async (answer) => { assert.equal(answer.status, 200); return answer.json(); });
const idOf = (name) => channel(name).getAttribute('data-channel');
const say = async (who, where, content) => post('/page/messages', { as: who, channel_id: await idOf(where), content });
const switchTo = async (name) => {
  await it.olivia.getByRole('button', { name: /^Acting as / }).click();
  await it.olivia.getByRole('menuitemradio', { name }).first().click();
  await it.olivia.getByRole('button', { name: new RegExp(`^Acting as ${name}`) }).waitFor();
  await it.ready(it.olivia);
};

test('what a person has not read stays unread while one acts as others', async () => {
  await say('bob', /^bots/, 'hello from Bob');
  await channel('bots, unread').waitFor();
  await switchTo('Alice');
  // Alice was never here in this tab; from now on she misses things, too.
  await channel('bots').waitFor();
  await switchTo('Olivia');
  await channel('bots, unread').waitFor();
  const alice = (await it.olivia.evaluate(async () => (await import('/page/state.js')).state.people)).find((user) => user.username === 'alice').id;
  await say('bob', /^bots/, `look, <@${alice}>`);
  await channel('bots, unread').click();
  await shows('look, @Alice').waitFor();
  await channel('general').click();
  await channel(/^bots$/).waitFor();
  await switchTo('Alice');
  await channel('bots, 1 for you').waitFor();
  await channel('bots, 1 for you').click();
  await it.olivia.locator('.message', { hasText: 'look, @Alice' }).getByText('New', { exact: true }).waitFor();
  await isSound();
  // A page that is loaded anew still knows.
  await channel('general').click();
  await say('bob', /^bots/, 'one more');
  await channel('bots, unread').waitFor();
  await it.olivia.reload();
  await it.ready(it.olivia);
  await channel('bots, unread').waitFor();
  await switchTo('Olivia');
  await channel('bots, unread').waitFor();
});

test('after a jump to an old message the newer ones are read on the way down, and the present is a press away', async () => {
  await channel('general').click();
  await says('the very first one');
  await shows('the very first one').waitFor();
  await says('!many');
  await shows('line 120').waitFor();
  const jump = async () => {
    await it.olivia.reload();
    await it.ready(it.olivia);
    const search = it.olivia.getByRole('searchbox', { name: 'Search messages' });
    await search.fill('very from:olivia');
    await search.press('Enter');
    await it.olivia.getByRole('complementary', { name: '1 result' }).getByRole('button', { name: 'Jump' }).click();
    await it.olivia.locator('.message.flash', { hasText: 'the very first one' }).waitFor();
    await it.olivia.getByText('You’re viewing older messages').waitFor();
  };
  await jump();
  await picture('older-dark');
  await isSound();
  assert.equal(await it.olivia.locator('#messages > .message', { hasText: 'line 120' }).count(), 0);
  await it.olivia.waitForFunction(() => {
    const box = document.getElementById('scroller');
    box.scrollTop = box.scrollHeight;
    return document.querySelector('#messages > .message:last-child').textContent.includes('line 120') && document.getElementById('newer').hidden;
  });
  const texts = await it.olivia.locator('#messages > .message .content').allInnerTexts();
  const lines = texts.filter((text) => /^line \d+$/.test(text)).map((text) => Number(text.slice(5)));
  assert.deepEqual(lines, Array.from({ length: 120 }, (_, at) => at + 1), 'each once, in order');
  // What comes now is followed again.
  await say('bob', 'general', 'and on it goes');
  await shows('and on it goes').waitFor();
  await jump();
  await say('bob', 'general', 'while you were back there');
  await it.olivia.getByText('1 new message').waitFor();
  await it.olivia.getByRole('button', { name: /Jump to present/ }).click();
  await shows('while you were back there').waitFor();
});

test('channels are put in another order by keys and by the pointer, and everybody sees it', async () => {
  const names = (page = it.olivia) => channels(page).locator('.channel > span:not([class])').allInnerTexts();
  const settled = (wanted, page = it.olivia) => page.waitForFunction((wanted) => [...document.querySelectorAll('#channels .channel > span:not([class])')].map((node) => node.textContent).join() === wanted, wanted.join());
  for (const [name, type] of [['garden', 0], ['Games', 4]]) await post('/page/settings', { as: 'olivia', guild_id: await it.olivia.evaluate(async () => (await import('/page/state.js')).state.guild), change: 'new_channel', type, name });
  await channel('garden').waitFor();
  await channel('Games').waitFor();
  const bob = await open('?as=bob&channel=general');
  assert.deepEqual(await names(), ['garden', 'general', 'bots']);
  await channel(/^bots/).focus();
  await it.olivia.keyboard.press('Alt+ArrowUp');
  await settled(['garden', 'bots', 'general']);
  await it.olivia.getByText(/^bots is 1 of 2 in /).waitFor({ state: 'attached' });
  assert.match(await it.focused(), /^bots/, 'the focus goes along');
  // Out of its category, above all others; and from there into the last one.
  await it.olivia.keyboard.press('Alt+ArrowUp');
  await it.olivia.keyboard.press('Alt+ArrowUp');
  await settled(['bots', 'garden', 'general'], bob);
  await channel('garden').dragTo(channel('Games'));
  await settled(['bots', 'general', 'garden'], bob);
  await settled(['bots', 'general', 'garden']);
  const box = await channel('general').boundingBox();
  await channel(/^bots/).dragTo(channel('general'), { targetPosition: { x: box.width / 2, y: box.height - 3 } });
  await settled(['general', 'bots', 'garden'], bob);
  await isSound();
  // Who may not manage channels has nothing to drag.
  assert.equal(await channels(bob).locator('[draggable]').count(), 0);
  await bob.context().close();
});

test('roles are put in another order by keys and by the pointer', async () => {
  const guild = await it.olivia.evaluate(async () => (await import('/page/state.js')).state.guild);
  for (const name of ['Cooks', 'Gardeners']) await post('/page/settings', { as: 'olivia', guild_id: guild, change: 'new_role', name });
  await it.olivia.getByRole('button', { name: /server menu$/ }).click();
  await it.olivia.getByRole('menuitem', { name: 'Roles', exact: true }).click();
  const list = it.olivia.getByRole('dialog', { name: /^Settings of / }).getByRole('list', { name: 'Roles' });
  const role = (name) => list.getByRole('button', { name });
  const settled = (wanted) => it.olivia.waitForFunction((wanted) => [...document.querySelectorAll('.pick-list [data-key^="role-"] .entry-text')].map((node) => node.textContent).filter((name) => ['Cooks', 'Gardeners'].includes(name)).join() === wanted, wanted.join());
  await role('Cooks').waitFor();
  await settled(['Cooks', 'Gardeners']);
  await role('Gardeners').focus();
  await it.olivia.keyboard.press('Alt+ArrowUp');
  await settled(['Gardeners', 'Cooks']);
  const box = await role('Cooks').boundingBox();
  await role('Gardeners').dragTo(role('Cooks'), { targetPosition: { x: box.width / 2, y: box.height - 2 } });
  await settled(['Cooks', 'Gardeners']);
  await picture('roles-order-dark');
  await isSound();
});

ends();
