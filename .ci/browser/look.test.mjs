// The page in a real browser against a sandbox and a bot of its own, which says everything that a bot can say. It shows what
// people see: every kind of answer, the keyboard alone, two people, the traffic, both themes, a phone, and what breaks.
//
// SCREENSHOTS, if set, is a folder for pictures of each of these. CHROMIUM, if set, is the browser.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { chromium } from 'playwright-core';
import { start } from './showcase.mjs';

const { SCREENSHOTS } = process.env;
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const PATIENCE = 20_000;

let world;
let browser;
let olivia;
/** What no test may leave behind: script errors, and requests to anywhere but the sandbox. */
const faults = [];

before(async () => {
  const executablePath = process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
  assert.ok(executablePath, `no browser found: set CHROMIUM, or install one of ${BROWSERS.join(', ')}`);
  if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });
  [world, browser] = await Promise.all([start(), chromium.launch({ executablePath, args: FLAGS })]);
  olivia = await open('', { colorScheme: 'dark' });
});
// What an earlier test left open is closed.
beforeEach(async () => { for (let times = 0; times < 2; times += 1) await olivia.keyboard.press('Escape'); });
after(async () => {
  await browser?.close();
  await world?.stop();
});

/** A page as somebody sees it who just opened it: connected, messages read, the bot online. */
async function open(query = '', options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.on('pageerror', (error) => faults.push(String(error.stack ?? error)));
  page.on('console', (message) => { if (message.type() === 'error' && !page.breaks) faults.push(message.text()); });
  page.on('request', (request) => { if (new URL(request.url()).origin !== new URL(world.url).origin && !request.url().startsWith('data:')) faults.push(`asked ${request.url()}`); });
  await page.goto(world.url + query);
  await ready(page);
  return page;
}
const ready = async (page) => {
  await page.locator('#messages[aria-busy="false"]').waitFor({ state: 'attached' });
  await page.locator('#bot-state.online').waitFor({ state: 'attached' });
};
const picture = (name, page = olivia) => (SCREENSHOTS ? page.screenshot({ path: `${SCREENSHOTS}/${name}.png` }) : null);
const box = (page = olivia) => page.getByRole('textbox', { name: /^Message / });
const says = async (text, page = olivia) => { await box(page).fill(text); await box(page).press('Enter'); };
const last = (page = olivia) => page.locator('#messages > .message').last();
const shows = (text, page = olivia) => page.locator('#messages > .message', { hasText: text }).last();
/** Types a command and takes it from the picker, by keys only. */
async function command(name, page = olivia) {
  await box(page).focus();
  await page.keyboard.type(`/${name}`);
  await page.getByRole('option', { name: new RegExp(`^/${name}\\b`) }).first().waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('form', { name: `Command ${name}` }).waitFor();
}
async function runs(name, page = olivia) {
  await command(name, page);
  await page.keyboard.press('Enter');
}
const focused = (page = olivia) => page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute('aria-label') || document.activeElement.textContent);

/** What a screen reader needs, checked in the page: names, references, no nested controls, no text without contrast. */
const audit = () => {
  const wrong = [];
  const shown = (node) => node.checkVisibility?.({ visibilityProperty: true }) ?? true;
  const nameOf = (node) => (node.getAttribute('aria-labelledby') ?? '').split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? '').join(' ').trim()
    || node.getAttribute('aria-label') || [...node.labels ?? []].map((label) => label.textContent).join(' ').trim() || node.getAttribute('alt') || node.getAttribute('title') || (/^(input|textarea|select)$/i.test(node.tagName) ? '' : node.innerText?.trim());
  const about = (node) => `${node.tagName.toLowerCase()}${node.id ? `#${node.id}` : ''}.${node.className}`.slice(0, 90);
  for (const node of document.querySelectorAll('button, a[href], input, textarea, select, iframe, [role="button"], [role="option"], [role="menuitem"], [role="menuitemradio"], [role="combobox"], [role="dialog"], dialog, [role="listbox"], [role="log"], [role="separator"][tabindex], [role="menu"]')) {
    if (shown(node) && !nameOf(node)) wrong.push(`no name: ${about(node)}`);
  }
  for (const node of document.querySelectorAll('img:not([alt])')) wrong.push(`no alt: ${about(node)}`);
  for (const node of document.querySelectorAll('[aria-controls], [aria-activedescendant], [aria-describedby]')) {
    for (const name of ['aria-controls', 'aria-activedescendant', 'aria-describedby']) for (const id of (node.getAttribute(name) ?? '').split(/\s+/).filter(Boolean)) if (!document.getElementById(id)) wrong.push(`${name} leads nowhere (${id}): ${about(node)}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
  for (const id of new Set(ids.filter((each, at) => ids.indexOf(each) !== at))) wrong.push(`two elements are called ${id}`);
  for (const node of document.querySelectorAll('button :is(button, a, input), a :is(button, a)')) wrong.push(`a control in a control: ${about(node)}`);
  for (const node of document.querySelectorAll('[role="listbox"] > *')) if (shown(node) && node.getAttribute('role') !== 'option' && !node.matches('.nothing')) wrong.push(`no option: ${about(node)}`);
  for (const landmark of ['main', 'nav[aria-label]', 'h1']) if (!document.querySelector(landmark)) wrong.push(`no ${landmark}`);
  const rgb = (text) => { const parts = text.match(/[\d.]+/g)?.map(Number) ?? []; return text.startsWith('color(srgb') ? [parts[0] * 255, parts[1] * 255, parts[2] * 255, parts[3] ?? 1] : [parts[0], parts[1], parts[2], parts[3] ?? 1]; };
  const light = ([r, g, b]) => [r, g, b].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (node) => { for (let at = node; at; at = at.parentElement) { const colour = rgb(getComputedStyle(at).backgroundColor); if (colour[3] > 0.99) return colour; } return [255, 255, 255, 1]; };
  const faint = new Map();
  for (const node of document.querySelectorAll('body *')) {
    const text = [...node.childNodes].filter((child) => child.nodeType === 3).map((child) => child.data.trim()).join('');
    if (!text || !shown(node) || node.closest('[disabled], [aria-disabled], .spoiler, .sending, .emoji, .away, noscript, .skip')) continue;
    const style = getComputedStyle(node);
    if (style.opacity === '0' || rgb(style.color)[3] < 0.5) continue;
    const [a, b] = [light(rgb(style.color)), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.set(`${about(node)} ${ratio.toFixed(2)}`, text.slice(0, 20));
  }
  for (const [which, text] of faint) wrong.push(`faint: ${which} "${text}"`);
  return wrong;
};
const isSound = async (page = olivia) => assert.deepEqual(await page.evaluate(audit), []);

test('a prefix command, formatted text, an embed, buttons: what a bot says is drawn, and nothing of it runs', async () => {
  await olivia.getByRole('complementary', { name: 'Members' }).getByText('Playing with the page').waitFor();
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
  await olivia.getByRole('option', { name: /Red/ }).waitFor();
  await olivia.keyboard.press('Enter');
  await olivia.keyboard.press('ArrowDown');
  await olivia.keyboard.press('Enter');
  await isSound();
  await olivia.keyboard.press('Escape');
  await shows('Chosen: red, green').waitFor();
});

test('a slash command with options of every kind is written by keyboard only', async () => {
  await command('order');
  assert.equal(await focused(), 'option-item');
  await olivia.keyboard.type('pas');
  await olivia.keyboard.press('Tab');
  assert.equal(await focused(), 'option-amount');
  await olivia.keyboard.type('99');
  await olivia.getByText('This has to be at least 1, at most 10.').first().waitFor();
  await picture('slash-dark');
  await isSound();
  await olivia.keyboard.press('Enter');
  assert.equal(await focused(), 'option-amount', 'nothing is sent while something is wrong');
  await olivia.keyboard.press('Backspace');
  await olivia.keyboard.press('Tab');
  for (const [name, value] of [['friend', 'bo'], ['where', 'bots'], ['group', 'mod'], ['hot', 't']]) {
    await olivia.keyboard.type(name);
    await olivia.keyboard.press('Tab');
    assert.equal(await focused(), `option-${name}`);
    await olivia.keyboard.type(value);
    if (name === 'friend') await picture('slash-person-dark');
    await olivia.keyboard.press('Enter');
  }
  await olivia.keyboard.type('note');
  await olivia.keyboard.press('Tab');
  await olivia.keyboard.type('no onions');
  await olivia.keyboard.press('Enter');
  const answer = await shows('Ordered:').innerText();
  for (const part of ['item="pasta"', 'amount=9', 'friend="', 'where="', 'group="', 'hot=true', 'note="no onions"']) assert.ok(answer.includes(part), `${part} in ${answer}`);
  // What is empty goes away with Backspace, and Escape leaves.
  await command('order');
  await olivia.keyboard.press('Backspace');
  assert.equal(await box().inputValue(), '/order');
  await olivia.keyboard.press('Escape');
  await box().fill('');
});

test('choices come from the bot while an option is typed', async () => {
  await command('find');
  await olivia.keyboard.type('ap');
  await olivia.getByRole('option', { name: 'Apricot' }).waitFor();
  await olivia.keyboard.press('ArrowDown');
  await olivia.keyboard.press('Enter');
  await olivia.keyboard.press('Enter');
  await shows('Found apricot').waitFor();
});

test('a form is opened, filled and sent; a deferred answer arrives; one that never comes is said', async () => {
  await runs('silent');
  await runs('form');
  const dialog = olivia.getByRole('dialog', { name: 'Feedback' });
  await dialog.waitFor();
  await picture('form-dark');
  await isSound();
  await olivia.keyboard.type('Hello');
  await olivia.keyboard.press('Enter');
  await shows('Thank you for "Hello"').waitFor();
  assert.equal(await focused(), 'text', 'the focus is back where one writes');
  await runs('slow');
  await shows('is thinking…').waitFor();
  await says('!finish');
  await shows('Here it is at last').waitFor();
  assert.equal(await olivia.getByText('is thinking…').count(), 0);
  await shows('The application did not respond').waitFor();
});

test('what the bot was refused is shown where it is missing', async () => {
  await says('!broken');
  const note = olivia.locator('.refusal').last();
  await note.getByText('embeds.0.title').waitFor();
  await note.getByText('Must be 256 or fewer in length.').waitFor();
  await picture('refused-dark');
  await isSound();
});

test('two people beside each other: what is ephemeral and what is direct is seen by one of them', async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'dark' });
  context.setDefaultTimeout(PATIENCE);
  const both = await context.newPage();
  both.on('pageerror', (error) => faults.push(String(error.stack ?? error)));
  both.on('console', (message) => { if (message.type() === 'error') faults.push(message.text()); });
  await both.goto(`${world.url}?beside=${encodeURIComponent('as=alice&channel=general|as=bob&channel=general')}`);
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
  await olivia.keyboard.press('+');
  await olivia.getByRole('dialog', { name: 'Choose an emoji' }).waitFor();
  await isSound();
  await picture('emoji-dark');
  await olivia.keyboard.type('thumbsdown');
  await olivia.keyboard.press('Enter');
  const reaction = message.getByRole('button', { name: /^👎, 1, by Olivia/ });
  await reaction.and(olivia.locator('[aria-pressed="true"]')).waitFor();
  await reaction.press('Enter');
  await reaction.waitFor({ state: 'detached' });
  await message.focus();
  await message.getByRole('button', { name: 'Apps' }).press('Enter');
  await olivia.getByRole('menuitem', { name: 'Quote' }).press('Enter');
  await shows('react to this').locator('blockquote').waitFor();
});

test('Ctrl+K goes to a channel; arrows go through lists; Tab is never caught', async () => {
  await olivia.keyboard.press('Control+k');
  await olivia.getByRole('dialog', { name: 'Go to a channel or a person' }).waitFor();
  await olivia.keyboard.type('bts');
  await picture('switcher-dark');
  await isSound();
  await olivia.keyboard.press('Enter');
  await olivia.locator('#heading', { hasText: 'bots' }).waitFor();
  await olivia.locator('.channel[aria-current]').focus();
  await olivia.keyboard.press('ArrowUp');
  await olivia.keyboard.press('Enter');
  await olivia.locator('#heading', { hasText: 'general' }).waitFor();
  const seen = new Set();
  await box().focus();
  for (let presses = 0; presses < 60 && !seen.has(await focused()); presses += 1) {
    seen.add(await focused());
    await olivia.keyboard.press('Tab');
  }
  assert.ok(seen.has('text') && seen.size > 8 && seen.size < 60, `Tab comes round: ${[...seen].join(' | ')}`);
});

test('the traffic shows a call with its body, and a fault from which the bot comes back', async () => {
  await olivia.keyboard.press('Control+`');
  const panel = olivia.getByRole('region', { name: 'Traffic', exact: true });
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
  await olivia.getByRole('menuitem', { name: /Drop the connection/ }).press('Enter');
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
  await olivia.keyboard.press('Control+`');
  await panel.waitFor({ state: 'hidden' });
});

test('long histories stay short in the page, and new messages are announced', async () => {
  await says('!many');
  await shows('line 120').waitFor();
  const scroller = olivia.locator('#scroller');
  await scroller.hover();
  await olivia.mouse.wheel(0, -900);
  await olivia.waitForFunction(() => { const { scrollHeight, scrollTop, clientHeight } = document.getElementById('scroller'); return scrollHeight - scrollTop - clientHeight > 300; });
  await world.bot.say(new URL(olivia.url()).searchParams.get('channel'), { content: 'something new' });
  const newer = olivia.getByRole('button', { name: '1 new message' });
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
  olivia.breaks = true;
  const { port } = new URL(world.url);
  await world.stop();
  await olivia.getByText('Not connected to the sandbox.').waitFor();
  await picture('gone-dark');
  world = await start(Number(port));
  await olivia.locator('#connection').waitFor({ state: 'hidden' });
  await ready(olivia);
  await says('!ping');
  await shows('pong').waitFor();
  assert.equal(await olivia.locator('#switch b').innerText(), 'Olivia');
});

test('nothing went wrong in the page meanwhile', () => assert.deepEqual(faults, []));
