// Many messages and many members do not make the page slow: what is drawn stays small, whatever there is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from './harness.mjs';

const it = stage();
const { ends, isSound, open, picture, says, shows } = it;
const MESSAGES = 5_000;
const MEMBERS = 1_000;

const act = (path, body) => fetch(new URL(path, it.world.url), { method: 'POST', body: JSON.stringify(body) });
/** Some at a time: the order does not count. */
const all = async (count, run) => {
  let next = 0;
  await Promise.all(Array.from({ length: 8 }, async () => { while (next < count) { next += 1; await run(next); } }));
};
const elements = (page = it.olivia) => page.evaluate(() => document.querySelectorAll('*').length);

test('five thousand messages: the page draws hundreds, and reads the older ones as one scrolls', async () => {
  // In the channel that nobody looks at: so many at once are no conversation.
  const channel = await it.olivia.getByRole('button', { name: 'bots', exact: true }).getAttribute('data-channel');
  await all(MESSAGES, (at) => act('/page/messages', { as: 'alice', channel_id: channel, content: `number ${at}` }));
  await act('/page/messages', { as: 'alice', channel_id: channel, content: 'the last one' });
  const fresh = await open('?as=bob&channel=bots');
  await shows('the last one', fresh).waitFor();
  assert.ok(await fresh.locator('#messages > .message').count() <= 60, 'at first only a page of them');
  for (let pages = 0; pages < 15; pages += 1) {
    const first = await fresh.locator('#messages > .message').first().getAttribute('id');
    await fresh.evaluate(() => { const box = document.getElementById('scroller'); box.dispatchEvent(new WheelEvent('wheel', { deltaY: -100 })); box.scrollTop = 0; box.dispatchEvent(new Event('scroll')); });
    await fresh.waitForFunction((id) => document.querySelector('#messages > .message')?.id !== id, first);
  }
  assert.ok(await fresh.locator('#messages > .message').count() <= 600);
  assert.ok(await elements(fresh) < 9_000, `${await elements(fresh)} elements`);
  await fresh.getByRole('button', { name: /Jump to present/ }).click();
  await shows('the last one', fresh).waitFor();
  await fresh.context().close();
});

test('a thousand members: those in view are drawn, and each is found', async () => {
  await all(MEMBERS, (at) => act('/page/people', { name: `guest${String(at).padStart(4, '0')}` }));
  const list = it.olivia.getByRole('complementary', { name: 'Members' });
  await list.getByRole('heading', { name: `Online — ${MEMBERS + 4}` }).waitFor();
  assert.ok(await list.getByRole('button').count() < 60, `${await list.getByRole('button').count()} are drawn`);
  await list.evaluate((box) => { box.scrollTop = box.scrollHeight; });
  await list.getByRole('button', { name: /Sandbot|sandbot/ }).waitFor();
  await list.evaluate((box) => { box.scrollTop = 20_000; });
  const middle = list.getByRole('button').nth(10);
  await middle.waitFor();
  await picture('members-many-dark');
  await isSound();
  await it.box().fill('@guest0777');
  await it.olivia.getByRole('option', { name: /Guest0777/ }).first().waitFor();
  await it.olivia.keyboard.press('Enter');
  await it.olivia.keyboard.press('Enter');
  await shows('@Guest0777').waitFor();
});

ends();
