// Forums and threads: posts with what they begin with, the archive, and what unarchives, locks and hides a thread.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from './harness.mjs';

const it = stage();
const { box, ends, isSound, open, picture, says, shows } = it;

const channel = (name, page = it.olivia) => page.getByRole('navigation', { name: 'Channels' }).getByRole('button', { name, exact: true });
const forum = (page = it.olivia) => page.getByRole('region', { name: 'Posts' });
const postOf = (title, page = it.olivia) => forum(page).getByRole('button', { name: title });
const titles = (page = it.olivia) => forum(page).locator('.post-title').allInnerTexts();
const rest = async (method, path, body) => { const answer = await it.world.bot.rest(method, path, body); assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`); return answer.body; };

test('a forum has a list of posts, and a form for a new one, which opens as a thread', async () => {
  await it.olivia.getByRole('button', { name: /server menu$/ }).click();
  await it.olivia.getByRole('menuitem', { name: 'Create channel', exact: true }).click();
  const form = it.olivia.getByRole('dialog', { name: 'Create channel' });
  await form.getByLabel('Type').selectOption('Forum');
  await form.getByLabel('Name').fill('ideas');
  await form.getByRole('button', { name: 'Create' }).click();
  await channel('ideas').waitFor();
  const id = await channel('ideas').getAttribute('data-channel');
  await rest('PATCH', `/channels/${id}`, { topic: 'One idea per post, please.', available_tags: [{ name: 'Feature', emoji_name: '✨' }, { name: 'Bug', emoji_name: '🐛' }] });
  await channel('ideas').click();
  await forum().getByText('There are no posts yet.').waitFor();
  await forum().getByText('One idea per post, please.').waitFor();
  assert.ok(await box().isHidden(), 'in a forum itself nothing is said');
  await isSound();
  // By keys alone: the form, its fields, a tag, and out by Ctrl+Enter.
  await forum().getByRole('button', { name: 'New post' }).press('Enter');
  await it.olivia.keyboard.type('Dark mode for the garden, the greenhouse and the shed');
  await it.olivia.keyboard.press('Tab');
  await it.olivia.keyboard.type('It is **too bright** at night.');
  await it.olivia.keyboard.press('Tab');
  await it.olivia.keyboard.press('Enter');
  await forum().getByRole('button', { name: /Feature/, pressed: true }).waitFor();
  await picture('forum-form-dark');
  await isSound();
  await it.olivia.getByRole('textbox', { name: 'Message', exact: true }).press('Control+Enter');
  await shows('It is too bright at night.').waitFor();
  await it.olivia.locator('#heading strong', { hasText: 'Dark mode for the garden, the greenhouse and the shed' }).waitFor();
  await says('Or a hammock for the day');
  await shows('Or a hammock').waitFor();
  await picture('forum-post-dark');
  await it.olivia.getByRole('button', { name: 'Back to ideas' }).click();
  await postOf('Dark mode').getByText('1 reply').waitFor();
  await postOf('Dark mode').getByText('It is too bright at night.').waitFor();
  await postOf('Dark mode').getByText('Feature').waitFor();
});

test('a post of the bot comes to the top at once, and answers move posts up; tags choose among them', async () => {
  const id = await channel('ideas').getAttribute('data-channel');
  const bug = (await rest('GET', `/channels/${id}`)).available_tags.find((tag) => tag.name === 'Bug').id;
  const made = await rest('POST', `/channels/${id}/threads`, { name: 'The fountain leaks', applied_tags: [bug], message: { content: 'Water everywhere' } });
  await postOf('The fountain leaks').getByText('Water everywhere').waitFor();
  assert.deepEqual(await titles(), ['The fountain leaks', 'Dark mode for the garden, the greenhouse and the shed']);
  const bob = await open(`?as=bob&channel=ideas`);
  await postOf('Dark mode', bob).click();
  await says('Moonlight is enough', bob);
  await postOf('Dark mode').getByText('2 replies').waitFor();
  await postOf('Dark mode').getByText('1 new').waitFor();
  assert.deepEqual(await titles(), ['Dark mode for the garden, the greenhouse and the shed', 'The fountain leaks']);
  await picture('forum-dark');
  await isSound();
  await forum().getByRole('group', { name: 'Show posts with a tag' }).getByRole('button', { name: /Bug/ }).click();
  await postOf('Dark mode').waitFor({ state: 'detached' });
  assert.deepEqual(await titles(), ['The fountain leaks']);
  await forum().getByRole('button', { name: /Bug$/, pressed: true }).click();
  // One stop for Tab, arrows go on, Enter opens.
  await postOf('Dark mode').focus();
  await it.olivia.keyboard.press('ArrowDown');
  await it.olivia.keyboard.press('Enter');
  await shows('Water everywhere').waitFor();
  await rest('DELETE', `/channels/${made.id}`);
  await it.olivia.getByRole('button', { name: 'Back to ideas' }).waitFor({ state: 'detached' });
  await bob.context().close();
  await postOf('Dark mode').waitFor();
  assert.deepEqual(await titles(), ['Dark mode for the garden, the greenhouse and the shed']);
  for (const [name, options] of [['forum-light', { colorScheme: 'light' }], ['forum-phone-dark', { colorScheme: 'dark', viewport: { width: 390, height: 780 } }]]) {
    const page = await open('?as=alice&channel=ideas', options);
    await postOf('Dark mode', page).waitFor();
    await picture(name, page);
    await isSound(page);
    await postOf('Dark mode', page).click();
    await shows('Moonlight is enough', page).waitFor();
    assert.ok(await page.evaluate(() => document.getElementById('chat').scrollWidth <= innerWidth), 'nothing is wider than the window');
    await picture(name.replace('forum', 'forum-post'), page);
    await isSound(page);
    await page.context().close();
  }
});

test('an archived thread leaves the list, is found in the archive, and comes back when somebody writes', async () => {
  await channel('general').click();
  await it.olivia.getByRole('button', { name: 'Send a file, a poll or begin a thread' }).click();
  await it.olivia.getByRole('menuitem', { name: 'Create a thread' }).click();
  await it.olivia.getByLabel('Thread name').fill('Harvest plans');
  await it.olivia.keyboard.press('Enter');
  await it.olivia.locator('#heading strong', { hasText: 'Harvest plans' }).waitFor();
  await says('In September');
  await shows('In September').waitFor();
  await channel('general').click();
  await channel('Harvest plans').click({ button: 'right' });
  await it.olivia.getByRole('menuitem', { name: 'Close thread' }).click();
  await channel('Harvest plans').waitFor({ state: 'detached' });
  await it.olivia.getByRole('button', { name: 'Threads', exact: true }).click();
  const list = it.olivia.getByRole('complementary', { name: 'Threads' });
  await list.getByRole('heading', { name: 'Archived — 1' }).waitFor();
  await picture('threads-dark');
  await isSound();
  await list.getByRole('button', { name: /Harvest plans/ }).click();
  await it.olivia.getByText('This thread is in the archive.').waitFor();
  await isSound();
  await says('Or in October');
  await shows('Or in October').waitFor();
  await it.olivia.getByText('This thread is in the archive.').waitFor({ state: 'hidden' });
  await channel('general').click();
  await channel('Harvest plans').waitFor();
});

test('a locked thread is written in by those who manage threads only', async () => {
  await channel('Harvest plans').click({ button: 'right' });
  await it.olivia.getByRole('menuitem', { name: 'Lock thread' }).click();
  const bob = await open('?as=bob&channel=general');
  await channel('Harvest plans', bob).click();
  await bob.getByText('This thread is locked: only those who manage threads').waitFor();
  assert.ok(await box(bob).isDisabled());
  await isSound(bob);
  await bob.context().close();
  await channel('Harvest plans').click();
  await it.olivia.getByText('This thread is locked, but you manage threads').waitFor();
  await says('The last word');
  await shows('The last word').waitFor();
});

ends();
