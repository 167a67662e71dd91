// The sandbox's page in a real browser, against a sandbox and a bot that already run (`cargo xtask run`).
// PAGE_URL is the page's address; CHROMIUM, if set, is the browser; SCREENSHOTS, if set, is a folder for pictures. Nothing here sleeps: each step waits for what a person would see.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const { PAGE_URL, SCREENSHOTS } = process.env;
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const PATIENCE = 20_000;

let browser;
let page;
/** What no test may leave behind: script errors, and requests to anywhere but the sandbox. */
const faults = [];

before(async () => {
  assert.ok(PAGE_URL, 'PAGE_URL has to be the address that `cargo xtask run` prints');
  const executablePath = process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
  assert.ok(executablePath, `no browser found: set CHROMIUM, or install one of ${BROWSERS.join(', ')}`);
  if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });
  browser = await chromium.launch({ executablePath, args: FLAGS });
  page = await open();
});
after(() => browser?.close());

afterEach(() => assert.deepEqual(faults, []));

/** The page as somebody sees it who just opened it: connected, messages read, the bot online. */
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  const opened = await context.newPage();
  opened.on('pageerror', (error) => faults.push(String(error.stack ?? error)));
  opened.on('request', (request) => { if (new URL(request.url()).origin !== new URL(PAGE_URL).origin && !request.url().startsWith('data:')) faults.push(`asked ${request.url()}`); });
  await opened.goto(PAGE_URL);
  await opened.locator('#messages[aria-busy="false"]').waitFor({ state: 'attached' });
  await opened.locator('#bot-state.online').waitFor({ state: 'attached' });
  return opened;
}

const picture = (name) => (SCREENSHOTS ? page.screenshot({ path: `${SCREENSHOTS}/${name}.png` }) : null);
const box = (on = page) => on.getByRole('textbox', { name: /^Message / });
const says = async (text, on = page) => { await box(on).fill(text); await box(on).press('Enter'); };
const messages = (text, on = page) => on.locator('#messages > .message').filter({ has: on.getByText(text, { exact: true }) });
const fromBot = (text, on = page) => messages(text, on).filter({ has: on.locator('.tag') });

/** Runs `act` and waits for one more element of `kind` than there were before. */
async function adds(kind, act) {
  const before = await kind.count();
  await act();
  await kind.nth(before).waitFor();
  return kind.nth(before);
}

/** Types a slash command and takes it from the picker, as a person does. */
async function picks(name, on = page) {
  await box(on).fill('');
  await box(on).pressSequentially(`/${name}`);
  await on.getByRole('option', { name: new RegExp(`^/${name}\\b`) }).first().waitFor();
  await box(on).press('Enter');
  await on.getByRole('form', { name: `Command ${name}` }).waitFor();
}

async function switchTo(name) {
  await page.getByRole('button', { name: /^Acting as / }).click();
  await page.getByRole('menuitemradio', { name }).first().click();
  await page.getByRole('button', { name: new RegExp(`^Acting as ${name}`, 'i') }).waitFor();
  await page.locator('#messages[aria-busy="false"]').waitFor({ state: 'attached' });
}

test('a message with the prefix is answered', async () => {
  await adds(fromBot('pong'), () => says('!ping'));
  await adds(fromBot('pong over there'), () => says('!ping over there'));
});

test('a slash command is found in the picker, takes its option, and is answered', async () => {
  await adds(fromBot('pong'), async () => {
    await picks('ping');
    await page.keyboard.press('Enter');
  });
  const answer = await adds(fromBot('pong by form'), async () => {
    await picks('ping');
    await page.keyboard.type('text');
    await page.keyboard.press('Tab');
    await page.keyboard.type('by form');
    await page.keyboard.press('Enter');
  });
  await answer.getByText('/ping', { exact: true }).waitFor();
});

test('Escape leaves the picker and the form without sending anything', async () => {
  await picks('ping');
  await page.keyboard.press('Escape');
  await page.getByRole('form', { name: 'Command ping' }).waitFor({ state: 'hidden' });
  assert.equal(await box().inputValue(), '');
  await box().pressSequentially('/');
  await page.getByRole('listbox', { name: 'Suggestions' }).waitFor();
  await box().press('Escape');
  await page.getByRole('listbox', { name: 'Suggestions' }).waitFor({ state: 'hidden' });
});

test('the button of the counter changes the number', async () => {
  const counters = page.locator('#messages > .message').filter({ has: page.getByRole('button', { name: 'Count', exact: true }) });
  const counter = await adds(counters, async () => {
    await picks('counter');
    await page.keyboard.press('Enter');
  });
  // The message is known by its id from here on: it is drawn anew with each change.
  const id = await counter.getAttribute('id');
  const words = page.locator(`#${id} :is(.content, .embed)`).first();
  for (let presses = 0; presses < 2; presses += 1) {
    const old = await words.innerText();
    await page.locator(`#${id}`).getByRole('button', { name: 'Count', exact: true }).click();
    await page.waitForFunction(([message, before]) => {
      const now = document.querySelector(`#${message} :is(.content, .embed)`)?.innerText;
      return now && /\d/.test(now) && now !== before;
    }, [id, old]);
  }
});

test('the help menu leads to a category and back, and its credits are for the one who asks', async () => {
  const menus = page.locator('#messages > .message').filter({ has: page.getByRole('button', { name: 'Choose a category', exact: true }) });
  const menu = await adds(menus, () => says('!help'));
  const own = page.locator(`#${await menu.getAttribute('id')}`);
  await picture('help');
  await own.getByRole('button', { name: 'Choose a category', exact: true }).click();
  await page.getByRole('option').first().click();
  await own.getByRole('button', { name: 'Back', exact: true }).waitFor();
  await picture('help-category');
  await own.getByRole('button', { name: 'Back', exact: true }).click();
  await own.getByRole('button', { name: 'Choose a category', exact: true }).waitFor();
  await own.getByRole('button', { name: 'Credits', exact: true }).click();
  await page.getByText('TheHolyOneZ').last().waitFor();
  await picture('credits');
});

test('one can switch to another person, and the bot answers them as well', async () => {
  const first = (await page.locator('#switch b').innerText()).trim();
  await page.getByRole('button', { name: /^Acting as / }).click();
  const names = (await page.getByRole('menuitemradio').locator('.entry-text > span').allInnerTexts()).map((name) => name.trim());
  await page.keyboard.press('Escape');
  const other = names.find((name) => name !== first);
  assert.ok(other, `somebody else to switch to than ${first}`);
  await switchTo(other);
  const words = `it is ${other} now`;
  const own = await adds(messages(words), () => says(words));
  await adds(fromBot('pong'), () => says('!ping'));
  assert.ok(await own.isVisible());
  await page.locator('#messages .author', { hasText: other }).last().waitFor();
});

test('a person can be added, and is acted as at once', async () => {
  await page.getByRole('button', { name: /^Acting as / }).click();
  const name = `guest${Date.now() % 100_000}`;
  await page.getByRole('textbox', { name: 'Name of the new person' }).fill(name);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: new RegExp(`^Acting as ${name}`, 'i') }).waitFor();
  await page.locator('#messages[aria-busy="false"]').waitFor({ state: 'attached' });
  await adds(fromBot('pong'), () => says('!ping'));
});

test('own messages can be edited with the Up arrow and deleted, and others see it', async () => {
  const watcher = await open();
  const words = `first draft ${Date.now()}`;
  await says(words);
  await messages(words, watcher).waitFor();
  await messages(words).waitFor();
  await box().press('ArrowUp');
  const edit = page.getByRole('textbox', { name: 'Edit message' });
  await edit.fill(`${words}, better`);
  await edit.press('Enter');
  const edited = watcher.locator('#messages > .message', { hasText: `${words}, better` });
  await edited.getByText('(edited)').waitFor();
  await page.locator('#messages > .message', { hasText: `${words}, better` }).focus();
  await page.keyboard.press('Shift+Delete');
  await edited.waitFor({ state: 'detached' });
  await watcher.context().close();
});

test('the page works at the width of a phone', async () => {
  const phone = await open({ viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });
  assert.equal(await phone.evaluate(() => document.documentElement.scrollWidth), 390);
  await phone.getByRole('button', { name: 'Show channels' }).tap();
  await phone.getByRole('navigation', { name: 'Channels' }).getByRole('button').first().waitFor();
  await phone.locator('#shade').tap({ position: { x: 380, y: 400 } });
  await adds(fromBot('pong', phone), async () => {
    await box(phone).fill('!ping');
    await phone.getByRole('button', { name: 'Send', exact: true }).tap();
  });
  await phone.context().close();
});
