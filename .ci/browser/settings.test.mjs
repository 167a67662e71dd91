// A server's settings by hand: what people may change there, who sees what afterwards, and that bots meet the same rules.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from './harness.mjs';

const it = stage();
const { ends, isSound, open, picture, says, shows } = it;

const menu = async (entry, page = it.olivia) => {
  await page.getByRole('button', { name: /server menu$/ }).click();
  await page.getByRole('menuitem', { name: entry, exact: true }).click();
};
const settings = (page = it.olivia) => page.getByRole('dialog', { name: /^Settings of / });
const tab = (name) => settings().getByRole('navigation', { name: 'Settings' }).getByRole('button', { name });
const close = () => settings().getByRole('button', { name: /^Close the settings/ }).click();

test('a role is made, coloured, set apart, given, and shown with its members', async () => {
  await menu('Roles');
  await settings().getByRole('button', { name: 'Create role' }).click();
  await settings().getByLabel('Role name').fill('Gardeners');
  await settings().getByLabel('Colour', { exact: true }).fill('#2ecc71');
  await settings().getByRole('button', { name: 'Save name and colour' }).click();
  await settings().getByRole('list', { name: 'Roles' }).getByRole('button', { name: /Gardeners/ }).waitFor();
  await settings().getByRole('switch', { name: 'Show its members apart' }).check();
  await settings().getByRole('switch', { name: /^Manage Messages/ }).check();
  await settings().getByRole('switch', { name: /^Manage Messages/ }).and(it.olivia.locator(':checked')).waitFor();
  await picture('settings-roles-dark');
  await isSound();
  await tab('Members').click();
  await settings().getByRole('button', { name: 'Change Alice' }).click();
  const member = it.olivia.getByRole('dialog', { name: 'Alice' });
  await member.getByLabel('Gardeners').check();
  await member.getByLabel('Nickname').fill('Ally');
  await isSound();
  await member.getByRole('button', { name: 'Save' }).click();
  await settings().getByText('Ally').first().waitFor();
  await picture('settings-members-dark');
  await isSound();
  await close();
  const list = it.olivia.getByRole('complementary', { name: 'Members' });
  await list.getByRole('heading', { name: 'Gardeners — 1' }).waitFor();
  const name = list.locator('.member-name', { hasText: 'Ally' });
  assert.equal(await name.evaluate((node) => getComputedStyle(node).color), 'rgb(46, 204, 113)');
});

test('a private channel is hidden from those who may not see it, at once', async () => {
  const bob = await open('?as=bob');
  const seen = (page, name) => page.getByRole('navigation', { name: 'Channels' }).getByRole('button', { name, exact: true });
  await menu('Create channel');
  const form = it.olivia.getByRole('dialog', { name: 'Create channel' });
  await form.getByLabel('Name').fill('Secret Plans');
  await isSound();
  await form.getByRole('button', { name: 'Create' }).click();
  await seen(bob, 'secret-plans').waitFor();
  await seen(it.olivia, 'secret-plans').hover();
  await it.olivia.getByRole('button', { name: 'Edit secret-plans' }).click();
  await settings().getByRole('switch', { name: /^Private channel/ }).check();
  await seen(bob, 'secret-plans').waitFor({ state: 'detached' });
  await picture('settings-channel-dark');
  await isSound();
  await settings().getByRole('combobox', { name: 'Add a role or a member' }).selectOption('Bob');
  await settings().getByRole('radiogroup', { name: 'View Channels' }).getByRole('radio', { name: 'Allow' }).click();
  await seen(bob, 'secret-plans').click();
  // What Bob may not write he is told where he would write it.
  await settings().getByRole('radiogroup', { name: 'Send Messages', exact: true }).getByRole('radio', { name: 'Deny' }).click();
  await bob.getByPlaceholder('You do not have permission to send messages here').waitFor();
  await close();
  await bob.context().close();
});

test('whoever lacks a permission is told so, and people who are removed lose the server', async () => {
  const alice = await open('?as=alice');
  alice.breaks = true;
  await menu('Server settings', alice);
  assert.ok(await settings(alice).getByLabel('Server name').isDisabled());
  await alice.keyboard.press('Escape');
  await menu('Roles', alice);
  await settings(alice).getByRole('button', { name: 'Create role' }).click();
  await settings(alice).getByText('this person lacks "Manage Roles" in this server').waitFor();
  await alice.context().close();
  const bob = await open('?as=bob');
  const member = it.olivia.getByRole('complementary', { name: 'Members' }).getByRole('button', { name: /Bob/ });
  await member.click({ button: 'right' });
  await it.olivia.getByRole('menuitem', { name: 'Kick Bob' }).click();
  await member.waitFor({ state: 'detached' });
  await bob.getByRole('heading', { name: 'Direct messages' }).waitFor();
  await menu('Members');
  await settings().getByRole('button', { name: 'Bob joins' }).click();
  await close();
  await member.waitFor();
  await bob.getByRole('navigation', { name: 'Servers' }).getByRole('button', { name: 'Sandbox' }).waitFor();
  await bob.context().close();
});

test('a bot meets the same rules: without the permission its call is refused, with it the member goes', async () => {
  const permit = async (on) => {
    await menu('Roles');
    await settings().getByRole('list', { name: 'Roles' }).getByRole('button', { name: /sandbo/ }).click();
    const kick = settings().getByRole('switch', { name: /^Kick Members/ });
    await kick.setChecked(on);
    await kick.and(it.olivia.locator(on ? ':checked' : ':not(:checked)')).waitFor();
    await close();
  };
  const { people } = await it.olivia.evaluate(async () => ({ people: (await import('/page/state.js')).state.people.map(({ id, username }) => ({ id, username })) }));
  const bob = people.find((each) => each.username === 'bob').id;
  await permit(false);
  await says(`!kick <@${bob}>`);
  await shows('Kick: 403 Missing Permissions').waitFor();
  await permit(true);
  await says(`!kick <@${bob}>`);
  await shows('Kick: 204').waitFor();
});

test('a server of one’s own, and a ban that is revoked', async () => {
  await it.olivia.getByRole('button', { name: 'Add a server' }).click();
  await it.olivia.getByLabel('Server name').fill('Second home');
  await it.olivia.getByRole('button', { name: 'Create', exact: true }).click();
  await it.olivia.getByRole('navigation', { name: 'Servers' }).getByRole('button', { name: 'Second home' }).click();
  await it.olivia.getByRole('heading', { name: /Second home/ }).waitFor();
  await it.olivia.getByRole('complementary', { name: 'Members' }).getByRole('button', { name: /Alice|Ally/ }).click({ button: 'right' });
  await it.olivia.getByRole('menuitem', { name: /^Ban / }).click();
  await menu('Server settings');
  await tab('Bans').click();
  await settings().getByText('No reason given').waitFor();
  await isSound();
  await settings().getByRole('button', { name: 'Revoke ban' }).click();
  await settings().getByText('Nobody is banned.').waitFor();
  await close();
});

test('the state of a build is told on top, with what the compiler says', async () => {
  const tell = (build) => fetch(new URL('/page/build', it.world.url), { method: 'POST', body: JSON.stringify(build) }).then(({ status }) => assert.equal(status, 200));
  await tell({ state: 'building', plugin: 'levels', progress: 0.4 });
  const strip = it.olivia.getByRole('region', { name: 'Build of levels' });
  await strip.getByRole('progressbar').waitFor();
  await tell({ state: 'failed', plugin: 'levels', message: 'error[E0425]: cannot find value `x` in this scope\n --> src/lib.rs:7:9' });
  await strip.getByText('cannot find value').waitFor();
  await picture('build-failed-dark');
  await isSound();
  await strip.getByRole('button', { name: 'Hide what the compiler says' }).click();
  await strip.getByText('cannot find value').waitFor({ state: 'detached' });
  // It is dismissed while it stays; good news go by themselves.
  await strip.getByRole('button', { name: 'Dismiss' }).click();
  await strip.waitFor({ state: 'detached' });
  await Promise.all([strip.getByText('is installed').waitFor(), tell({ state: 'installed', plugin: 'levels' })]);
  await strip.waitFor({ state: 'detached' });
});

test('a recording that was begun elsewhere can be stopped here, and what became of its replay is told', async () => {
  const post = (path, body) => fetch(new URL(path, it.world.url), { method: 'POST', body: JSON.stringify(body) }).then(async (answer) => { assert.equal(answer.status, 200); return answer.json(); });
  await post('/page/recording', { action: 'start' });
  const alice = await open('?as=alice');
  for (const page of [it.olivia, alice]) await page.keyboard.press('Control+`');
  for (const page of [it.olivia, alice]) await page.getByRole('button', { name: 'Stop recording' }).waitFor();
  await isSound();
  const recording = await post('/page/recording', { action: 'stop' });
  for (const page of [it.olivia, alice]) await page.getByRole('button', { name: 'Record', exact: true }).waitFor();
  await post('/page/replay', { recording, speed: 0 });
  await it.olivia.getByText('Replayed', { exact: true }).waitFor();
  await isSound();
  await it.olivia.keyboard.press('Control+`');
  await alice.context().close();
});

test('a status and what somebody does, and a seat in a voice channel, are seen by others', async () => {
  const alice = await open('?as=alice');
  await it.olivia.getByRole('navigation', { name: 'Servers' }).getByRole('button', { name: 'Sandbox' }).click();
  await it.olivia.getByRole('button', { name: 'Set a status' }).click();
  await it.olivia.getByRole('menuitemradio', { name: 'Do not disturb' }).click();
  const entry = alice.getByRole('complementary', { name: 'Members' }).getByRole('button', { name: /Olivia/ });
  await entry.getByRole('img', { name: 'dnd' }).waitFor();
  await it.olivia.getByRole('button', { name: 'Set a status' }).click();
  await it.olivia.getByRole('menuitem', { name: /^Write what you do/ }).click();
  await it.olivia.getByLabel('What do you do?').fill('Watering the plants');
  await isSound();
  await it.olivia.keyboard.press('Enter');
  await entry.getByText('Watering the plants').waitFor();
  await menu('Create channel');
  const form = it.olivia.getByRole('dialog', { name: 'Create channel' });
  await form.getByLabel('Type').selectOption('Voice');
  await form.getByLabel('Name').fill('Lounge');
  await form.getByRole('button', { name: 'Create' }).click();
  const channels = (page) => page.getByRole('navigation', { name: 'Channels' });
  await channels(it.olivia).getByRole('button', { name: 'Lounge', exact: true }).click();
  await channels(alice).locator('.in-voice', { hasText: 'Olivia' }).waitFor();
  await picture('voice-dark');
  await isSound();
  await channels(it.olivia).getByRole('button', { name: 'Lounge', exact: true }).click();
  await channels(alice).locator('.in-voice').waitFor({ state: 'detached' });
  await alice.context().close();
});

ends();
