// What a bot says and what people answer, in a real browser against a sandbox and a bot of its own: every kind of answer,
// the keyboard alone, two people, the traffic, both themes, a phone, and what breaks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE, stage } from './harness.mjs';
import { start } from './showcase.mjs';

const it = stage();
const { box, command, ends, focused, isSound, open, picture, ready, runs, says, shows } = it;

test('a prefix command, formatted text, an embed, buttons: what a bot says is drawn, and nothing of it runs', async () => {
  await it.olivia.getByRole('complementary', { name: 'Members' }).getByText('Playing with the page').waitFor();
  await says('!ping');
  await shows('pong').locator('.quoted', { hasText: '!ping' }).waitFor();
  await says('!text');
  const text = shows('Heading');
  for (const what of ['strong', 'em', 'u', 's', 'code', 'pre', 'blockquote', 'ol', '.spoiler', '.mention.own', '.stamp']) await text.locator(what).first().waitFor();
  assert.equal(await text.locator('script, b').count(), 0);
  await text.getByText('<script>alert("no")</script>').waitFor();
  await text.locator('.spoiler').press('Enter');
  await text.locator('.spoiler.shown').waitFor();
  await says('!card');
  const card = shows('Weekly report').locator('.embed');
  const inline = card.locator('.field').filter({ hasText: /Servers|Members|Latency/ });
  const tops = await inline.evaluateAll((nodes) => nodes.map((node) => node.getBoundingClientRect().top));
  assert.equal(new Set(tops).size, 1, 'inline fields share a row');
  await card.getByText('Page 1 of 3').waitFor();
  // As wide as in Discord: 516 pixels beside the bar, the thumbnail at the right edge, and else the text up to there.
  const edges = (node, part) => node.evaluate((embed, part) => { const [whole, inner] = [embed, embed.querySelector(part)].map((each) => each.getBoundingClientRect()); return { width: whole.width, left: inner.left - whole.left, right: whole.right - inner.right, inner: inner.width }; }, part);
  const { width, right } = await edges(card, '.thumbnail');
  assert.deepEqual([width, right], [520, 16]);
  await it.world.bot.say(await it.olivia.locator('.channel[aria-current]').getAttribute('data-channel'), { embeds: [{ description: 'A text that is long enough to need all of the width. '.repeat(8) }] });
  const long = await edges(shows('A text that is long enough').locator('.embed'), '.embed-text');
  assert.deepEqual([long.width, long.inner, long.right], [520, 488, 16]);
  await picture('messages-dark');
  await says('!buttons');
  await shows('Press one').getByRole('button', { name: 'Danger' }).click();
  const pressed = shows('Pressed Danger');
  await pressed.getByText('(edited)').waitFor();
  await picture('buttons-dark');
  await isSound();
});

test('a select is opened, chosen from and closed by keys', async () => {
  await says('!buttons');
  const select = shows('Press one').locator('[data-custom-id="colour"]');
  await select.press('Enter');
  await it.olivia.getByRole('option', { name: /Red/ }).waitFor();
  await it.olivia.keyboard.press('Enter');
  await it.olivia.keyboard.press('ArrowDown');
  await it.olivia.keyboard.press('Enter');
  await isSound();
  await it.olivia.keyboard.press('Escape');
  await shows('Chosen: red, green').waitFor();
});

test('a slash command with options of every kind is written by keyboard only', async () => {
  await command('order');
  assert.equal(await focused(), 'option-item');
  await it.olivia.keyboard.type('pas');
  await it.olivia.keyboard.press('Tab');
  assert.equal(await focused(), 'option-amount');
  await it.olivia.keyboard.type('99');
  await it.olivia.getByText('This has to be at least 1, at most 10.').first().waitFor();
  await picture('slash-dark');
  await isSound();
  await it.olivia.keyboard.press('Enter');
  assert.equal(await focused(), 'option-amount', 'nothing is sent while something is wrong');
  await it.olivia.keyboard.press('Backspace');
  await it.olivia.keyboard.press('Tab');
  for (const [name, value] of [['friend', 'bo'], ['where', 'bots'], ['group', 'mod'], ['hot', 't']]) {
    await it.olivia.keyboard.type(name);
    await it.olivia.keyboard.press('Tab');
    assert.equal(await focused(), `option-${name}`);
    await it.olivia.keyboard.type(value);
    if (name === 'friend') await picture('slash-person-dark');
    await it.olivia.keyboard.press('Enter');
  }
  await it.olivia.keyboard.type('note');
  await it.olivia.keyboard.press('Tab');
  await it.olivia.keyboard.type('no onions');
  await it.olivia.keyboard.press('Enter');
  const answer = await shows('Ordered:').innerText();
  for (const part of ['item="pasta"', 'amount=9', 'friend="', 'where="', 'group="', 'hot=true', 'note="no onions"']) assert.ok(answer.includes(part), `${part} in ${answer}`);
  // What is empty goes away with Backspace, and Escape leaves.
  await command('order');
  await it.olivia.keyboard.press('Backspace');
  assert.equal(await box().inputValue(), '/order');
  await it.olivia.keyboard.press('Escape');
  await box().fill('');
});

test('choices come from the bot while an option is typed', async () => {
  await command('find');
  await it.olivia.keyboard.type('ap');
  await it.olivia.getByRole('option', { name: 'Apricot' }).waitFor();
  await it.olivia.keyboard.press('ArrowDown');
  await it.olivia.keyboard.press('Enter');
  await it.olivia.keyboard.press('Enter');
  await shows('Found apricot').waitFor();
});

test('a form is opened, filled and sent; a deferred answer arrives; one that never comes is said', async () => {
  await runs('silent');
  await runs('form');
  const dialog = it.olivia.getByRole('dialog', { name: 'Feedback' });
  await dialog.waitFor();
  await picture('form-dark');
  await isSound();
  await it.olivia.keyboard.type('Hello');
  await it.olivia.keyboard.press('Enter');
  await shows('Thank you for "Hello"').waitFor();
  assert.equal(await focused(), 'text', 'the focus is back where one writes');
  await runs('slow');
  await shows('is thinking…').waitFor();
  await says('!finish');
  await shows('Here it is at last').waitFor();
  assert.equal(await it.olivia.getByText('is thinking…').count(), 0);
  await shows('The application did not respond').waitFor();
});

test('what the bot was refused is shown where it is missing', async () => {
  await says('!broken');
  const note = it.olivia.locator('.refusal').last();
  await note.getByText('embeds.0.title').waitFor();
  await note.getByText('Must be 256 or fewer in length.').waitFor();
  await picture('refused-dark');
  await isSound();
});

test('two people beside each other: what is ephemeral and what is direct is seen by one of them', async () => {
  const context = await it.browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'dark' });
  context.setDefaultTimeout(PATIENCE);
  const both = await context.newPage();
  it.watch(both);
  await both.goto(`${it.world.url}?beside=${encodeURIComponent('as=alice&channel=general|as=bob&channel=general')}`);
  const [alice, bob] = ['First person', 'Second person'].map((name) => both.frameLocator(`iframe[title="${name}"]`));
  const boxOf = (pane) => pane.getByRole('textbox', { name: /^Message / });
  const seen = (pane, text) => pane.locator('#messages > .message', { hasText: text });
  for (const pane of [alice, bob]) await pane.locator('#messages[aria-busy="false"]').waitFor({ state: 'attached' });
  await boxOf(alice).fill('hello Bob');
  await bob.getByText('Alice is typing…').waitFor();
  await boxOf(alice).press('Enter');
  await seen(bob, 'hello Bob').waitFor();
  await boxOf(alice).pressSequentially('/secret ');
  await alice.getByRole('form', { name: 'Command secret' }).waitFor();
  await both.keyboard.press('Enter');
  await seen(alice, 'The password is swordfish').getByText('Only you can see this').waitFor();
  // What Bob hears after it shows that he did not hear of it.
  await boxOf(alice).fill('that was it, Bob');
  await boxOf(alice).press('Enter');
  await seen(bob, 'that was it, Bob').waitFor();
  assert.equal(await seen(bob, 'swordfish').count(), 0);
  await picture('beside-dark', both);
  await seen(alice, 'The password is swordfish').getByRole('button', { name: 'Dismiss' }).click();
  await seen(alice, 'The password is swordfish').waitFor({ state: 'detached' });
  await bob.getByRole('button', { name: 'Close this pane' }).click();
  await both.getByRole('button', { name: /^Acting as Alice/ }).waitFor();
  await context.close();
});

test('reactions, replies and the menu of a message', async () => {
  await says('react to this');
  const message = shows('react to this');
  await message.focus();
  await it.olivia.keyboard.press('+');
  await it.olivia.getByRole('dialog', { name: 'Choose an emoji' }).waitFor();
  await isSound();
  await picture('emoji-dark');
  await it.olivia.keyboard.type('thumbsdown');
  await it.olivia.keyboard.press('Enter');
  const reaction = message.getByRole('button', { name: /^👎, 1, by Olivia/ });
  await reaction.and(it.olivia.locator('[aria-pressed="true"]')).waitFor();
  await reaction.press('Enter');
  await reaction.waitFor({ state: 'detached' });
  await message.focus();
  await message.getByRole('button', { name: 'Apps' }).press('Enter');
  await it.olivia.getByRole('menuitem', { name: 'Quote' }).press('Enter');
  await shows('react to this').locator('blockquote').waitFor();
});

test('Ctrl+K goes to a channel; arrows go through lists; Tab is never caught', async () => {
  await it.olivia.keyboard.press('Control+k');
  await it.olivia.getByRole('dialog', { name: 'Go to a channel or a person' }).waitFor();
  await it.olivia.keyboard.type('bts');
  await picture('switcher-dark');
  await isSound();
  await it.olivia.keyboard.press('Enter');
  await it.olivia.locator('#heading', { hasText: 'bots' }).waitFor();
  await it.olivia.locator('.channel[aria-current]').focus();
  await it.olivia.keyboard.press('ArrowUp');
  await it.olivia.keyboard.press('Enter');
  await it.olivia.locator('#heading', { hasText: 'general' }).waitFor();
  const seen = new Set();
  await box().focus();
  for (let presses = 0; presses < 60 && !seen.has(await focused()); presses += 1) {
    seen.add(await focused());
    await it.olivia.keyboard.press('Tab');
  }
  assert.ok(seen.has('text') && seen.size > 8 && seen.size < 60, `Tab comes round: ${[...seen].join(' | ')}`);
});

test('the traffic shows a call with its body, and a fault from which the bot comes back', async () => {
  await it.olivia.keyboard.press('Control+`');
  const panel = it.olivia.getByRole('region', { name: 'Traffic', exact: true });
  const rows = panel.getByRole('option');
  await rows.first().waitFor();
  await says('!ping');
  await panel.getByRole('searchbox', { name: 'Filter the traffic' }).fill('post pong');
  await rows.filter({ hasText: '/messages' }).last().click();
  await panel.getByRole('region', { name: 'Request' }).getByText('"pong"').waitFor();
  await panel.getByText('x-ratelimit-bucket').waitFor();
  await picture('traffic-rest-dark');
  await isSound();
  await panel.getByRole('searchbox').fill('');
  await panel.getByRole('button', { name: 'Gateway' }).click();
  await panel.getByRole('button', { name: 'Faults' }).press('Enter');
  await it.olivia.getByRole('menuitem', { name: /Drop the connection/ }).press('Enter');
  await rows.filter({ hasText: 'RESUMED' }).first().waitFor();
  await rows.last().click();
  await panel.getByRole('listbox').press('ArrowUp');
  await panel.getByRole('region', { name: 'Payload' }).waitFor();
  await picture('traffic-gateway-dark');
  await panel.getByRole('button', { name: 'Pause' }).click();
  const before = await rows.count();
  await says('!ping');
  await shows('pong').waitFor();
  assert.equal(await rows.count(), before);
  await panel.getByRole('button', { name: 'Go on' }).click();
  await rows.nth(before).waitFor();
  await panel.getByRole('button', { name: 'Clear' }).click();
  assert.ok(await rows.count() <= 1);
  await it.olivia.keyboard.press('Control+`');
  await panel.waitFor({ state: 'hidden' });
});

test('long histories stay short in the page, and new messages are announced', async () => {
  await says('!many');
  await shows('line 120').waitFor();
  const scroller = it.olivia.locator('#scroller');
  await scroller.hover();
  await it.olivia.mouse.wheel(0, -900);
  await it.olivia.waitForFunction(() => { const { scrollHeight, scrollTop, clientHeight } = document.getElementById('scroller'); return scrollHeight - scrollTop - clientHeight > 300; });
  await it.world.bot.say(new URL(it.olivia.url()).searchParams.get('channel'), { content: 'something new' });
  const newer = it.olivia.getByRole('button', { name: '1 new message' });
  await newer.waitFor();
  await picture('newer-dark');
  await newer.click();
  await newer.waitFor({ state: 'hidden' });
});

test('light as the system has it, switched and remembered', async () => {
  const page = await open('?as=alice', { colorScheme: 'light' });
  const shade = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await shade();
  await says('!card', page);
  await shows('Weekly report', page).waitFor();
  await runs('layout', page);
  await shows('Garden', page).locator('.container').waitFor();
  await runs('secret', page);
  await shows('swordfish', page).getByText('Only you can see this').waitFor();
  await picture('messages-light', page);
  await isSound(page);
  await page.getByRole('button', { name: 'Theme: as the system' }).click();
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  assert.notEqual(await shade(), light);
  await page.reload();
  await ready(page);
  assert.notEqual(await shade(), light);
  await page.context().close();
});

test('a phone: drawers, a message, a command, the traffic', async () => {
  const phone = await open('?as=bob', { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true, colorScheme: 'light' });
  assert.equal(await phone.evaluate(() => document.documentElement.scrollWidth), 390);
  await phone.getByRole('button', { name: 'Show channels' }).tap();
  await phone.getByRole('navigation', { name: 'Channels' }).getByRole('button', { name: 'general' }).waitFor();
  await picture('phone-channels-light', phone);
  await isSound(phone);
  await phone.locator('#shade').tap({ position: { x: 380, y: 400 } });
  await says('!ping', phone);
  await shows('pong', phone).waitFor();
  await command('order', phone);
  await picture('phone-slash-light', phone);
  await phone.getByRole('button', { name: 'Cancel the command' }).tap();
  await picture('phone-messages-light', phone);
  await phone.getByRole('button', { name: /^Traffic/ }).tap();
  await phone.getByRole('option').last().tap();
  await picture('phone-traffic-light', phone);
  assert.equal(await phone.evaluate(() => document.documentElement.scrollWidth), 390);
  await phone.context().close();
});

test('the page says that the sandbox is gone, and goes on when it is back', async () => {
  it.olivia.breaks = true;
  const { port } = new URL(it.world.url);
  await it.world.stop();
  await it.olivia.getByText('Not connected to the sandbox.').waitFor();
  await picture('gone-dark');
  it.world = await start(Number(port));
  await it.olivia.locator('#connection').waitFor({ state: 'hidden' });
  await ready(it.olivia);
  await says('!ping');
  await shows('pong').waitFor();
  assert.equal(await it.olivia.locator('#switch b').innerText(), 'Olivia');
});

ends();
