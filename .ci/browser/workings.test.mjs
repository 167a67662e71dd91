// What the sandbox shows and lets people change of itself: a server's audit log, the bot's rate limits, what became of a
// replay.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from './harness.mjs';

const it = stage();
const { ends, isSound, open, picture, says, shows } = it;

const post = (path, body) => fetch(new URL(path, it.world.url), { method: 'POST', body: JSON.stringify(body) }).then(async (answer) => { assert.equal(answer.status, 200); return answer.json(); });
const settings = (page = it.olivia) => page.getByRole('dialog', { name: /^Settings of / });
const menu = async (page = it.olivia) => {
  await page.getByRole('button', { name: /server menu$/ }).click();
  await page.getByRole('menuitem', { name: 'Server settings', exact: true }).click();
};
const tab = (page = it.olivia) => settings(page).getByRole('navigation', { name: 'Settings' }).getByRole('button', { name: 'Audit log' });

test('the audit log says who did what, why and what is another now, and follows what is done', async () => {
  const { guild, people } = await it.olivia.evaluate(async () => { const { state } = await import('/page/state.js'); return { guild: state.guild, people: state.people.map(({ id, username }) => ({ id, username })) }; });
  const change = (body) => post('/page/settings', { as: 'olivia', guild_id: guild, ...body });
  const role = await change({ change: 'new_role', name: 'Cooks' });
  await change({ change: 'role', id: role.id, color: 0x2ecc71, permissions: '8192' });
  await menu();
  await tab().click();
  const entries = settings().getByRole('list', { name: 'Entries, newest first' });
  const entry = (text) => entries.locator('details', { hasText: text });
  await entry('Olivia created the role Cooks').waitFor();
  await entry('Olivia changed the role Cooks').locator('summary').press('Enter');
  await entry('Olivia changed the role Cooks').getByText('#2ecc71').waitFor();
  await entry('Olivia changed the role Cooks').locator('ins', { hasText: 'Manage Messages' }).waitFor();
  // While it is looked at, something is done: by a person with a reason, and by the bot with its own.
  await change({ change: 'kick', id: people.find(({ username }) => username === 'bob').id, reason: 'Sang too loudly' });
  await entry('Olivia kicked Bob').getByText('“Sang too loudly”').waitFor();
  const channel = await it.world.bot.rest('POST', `/guilds/${guild}/channels`, { name: 'kitchen' });
  assert.equal(channel.status, 201);
  await entry('sandbot created the channel #kitchen').waitFor();
  assert.ok(await entry('Olivia changed the role Cooks').evaluate((node) => node.open), 'what was opened stays open');
  await picture('audit-dark');
  await isSound();
  await settings().getByRole('combobox', { name: 'Done by' }).selectOption('By sandbot');
  await entry('Olivia kicked Bob').waitFor({ state: 'detached' });
  await entry('sandbot created the channel #kitchen').waitFor();
  await settings().getByRole('combobox', { name: 'What was done' }).selectOption('Who banned');
  await settings().getByText('Nothing was done that would stand here.').waitFor();
  await it.olivia.keyboard.press('Escape');
  for (const [name, options] of [['audit-light', { colorScheme: 'light' }], ['audit-phone-dark', { colorScheme: 'dark', viewport: { width: 390, height: 780 } }]]) {
    const page = await open('?as=olivia', options);
    if (options.viewport) await page.getByRole('button', { name: 'Show channels' }).click();
    await menu(page);
    await tab(page).click();
    await settings(page).locator('details', { hasText: 'Olivia kicked Bob' }).locator('summary').click();
    await picture(name, page);
    await isSound(page);
    await page.context().close();
  }
  // Who may not view the log has no such page.
  const alice = await open('?as=alice');
  await menu(alice);
  await settings(alice).getByLabel('Server name').waitFor();
  assert.equal(await tab(alice).count(), 0);
  await alice.context().close();
});

test('rate limits are switched from the page, seen by others, and what is used up is shown', async () => {
  const alice = await open('?as=alice');
  for (const page of [it.olivia, alice]) await page.keyboard.press('Control+`');
  await it.olivia.getByRole('button', { name: 'Limits: generous' }).click();
  const limits = it.olivia.getByRole('dialog', { name: 'Rate limits' });
  await limits.getByRole('radio', { name: /^Real/ }).check();
  await alice.getByRole('button', { name: 'Limits: real' }).waitFor();
  const channel = await it.olivia.locator('.channel[aria-current]').getAttribute('data-channel');
  const answers = [];
  // A channel is renamed twice in ten minutes: so long nobody waits here.
  for (const name of ['kitchen-one', 'kitchen-two', 'kitchen-three']) answers.push((await it.world.bot.rest('PATCH', `/channels/${channel}`, { name })).status);
  assert.deepEqual(answers, [200, 200, 429]);
  await limits.locator('.used-up', { hasText: '2 of 2' }).waitFor();
  await picture('limits-dark');
  await isSound();
  // By keys: the arrows choose, Escape leaves and gives the focus back.
  await limits.getByRole('radio', { name: /^Real/ }).focus();
  await it.olivia.keyboard.press('ArrowUp');
  await alice.getByRole('button', { name: 'Limits: generous' }).waitFor();
  await it.olivia.keyboard.press('Escape');
  await limits.waitFor({ state: 'detached' });
  assert.equal(await it.focused(), 'Limits: generous');
  assert.equal((await it.world.bot.rest('PATCH', `/channels/${channel}`, { name: 'general' })).status, 200);
  await alice.reload();
  await it.ready(alice);
  await alice.keyboard.press('Control+`');
  await alice.getByRole('button', { name: 'Limits: generous' }).waitFor();
  await it.olivia.keyboard.press('Control+`');
  await alice.context().close();
});

test('who opens the page after a replay has ended sees what became of it', async () => {
  await post('/page/recording', { action: 'start' });
  await says('!ping');
  await shows('pong').waitFor();
  const recording = await post('/page/recording', { action: 'stop' });
  await it.olivia.keyboard.press('Control+`');
  await post('/page/replay', { recording, speed: 0 });
  const outcome = (page) => page.locator('.replay-outcome', { hasText: /^(Replayed|The replay failed)/ });
  await outcome(it.olivia).waitFor();
  const late = await open('?as=alice');
  await late.keyboard.press('Control+`');
  await outcome(late).waitFor();
  assert.equal(await outcome(late).innerText(), await outcome(it.olivia).innerText());
  await isSound(late);
  await it.olivia.keyboard.press('Control+`');
  await late.context().close();
});

ends();
