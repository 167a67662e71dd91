// What the tests of the page share: a sandbox with a bot of its own, a browser, pages as people see them, and the checks
// that every page has to pass.
//
// SCREENSHOTS, if set, is a folder for pictures. CHROMIUM, if set, is the browser.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, beforeEach, test } from 'node:test';
import { chromium } from 'playwright-core';
import { start } from './showcase.mjs';

const { SCREENSHOTS } = process.env;
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** Longer than anything takes: CI has two slow cores. */
export const PATIENCE = 60_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

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

/** What axe-core finds wrong. Contrast is checked above: axe cannot look behind popovers. Which headings bots use is theirs. */
const axe = async (page) => {
  // Evaluated, not added as a script: the page's policy lets nothing in.
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { rules: { 'color-contrast': { enabled: false }, 'heading-order': { enabled: false } } });
    return violations.flatMap(({ id, help, nodes }) => nodes.slice(0, 3).map((node) => `${id}: ${help}: ${node.html.slice(0, 160)}`));
  });
};

/** Starts all of it for one test file, and ends it. */
export function stage() {
  /** What no test may leave behind: script errors, and requests to anywhere but the sandbox. */
  const faults = [];
  const it = { world: null, browser: null, olivia: null, faults };
  before(async () => {
    const executablePath = process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
    assert.ok(executablePath, `no browser found: set CHROMIUM, or install one of ${BROWSERS.join(', ')}`);
    if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });
    [it.world, it.browser] = await Promise.all([start(), chromium.launch({ executablePath, args: FLAGS })]);
    it.olivia = await it.open('', { colorScheme: 'dark' });
  });
  // What an earlier test left open is closed.
  beforeEach(async () => { for (let times = 0; times < 2; times += 1) await it.olivia.keyboard.press('Escape'); });
  after(async () => {
    await it.browser?.close();
    await it.world?.stop();
  });

  /** A page as somebody sees it who just opened it: connected, messages read, the bot online. */
  it.open = async (query = '', options = {}) => {
    const context = await it.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    it.watch(page);
    page.on('request', (request) => { if (new URL(request.url()).origin !== new URL(it.world.url).origin && !/^(?:data|blob):/.test(request.url())) faults.push(`asked ${request.url()}`); });
    await page.goto(it.world.url + query);
    await it.ready(page);
    return page;
  };
  it.watch = (page) => {
    page.on('pageerror', (error) => faults.push(String(error.stack ?? error)));
    page.on('console', (message) => { if (message.type() === 'error' && !page.breaks) faults.push(message.text()); });
  };
  it.ready = async (page) => {
    await page.locator('#messages[aria-busy="false"]').waitFor({ state: 'attached' });
    await page.locator('#bot-state.online').waitFor({ state: 'attached' });
  };
  it.picture = (name, page = it.olivia) => (SCREENSHOTS ? page.screenshot({ path: `${SCREENSHOTS}/${name}.png` }) : null);
  it.box = (page = it.olivia) => page.getByRole('textbox', { name: /^Message / });
  it.says = async (text, page = it.olivia) => { await it.box(page).fill(text); await it.box(page).press('Enter'); };
  it.shows = (text, page = it.olivia) => page.locator('#messages > .message', { hasText: text }).last();
  /** Types a command and takes it from the picker, by keys only. */
  it.command = async (name, page = it.olivia) => {
    await it.box(page).focus();
    await page.keyboard.type(`/${name}`);
    await page.getByRole('option', { name: new RegExp(`^/${name}\\b`) }).first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('form', { name: `Command ${name}` }).waitFor();
  };
  it.runs = async (name, page = it.olivia) => {
    await it.command(name, page);
    await page.keyboard.press('Enter');
  };
  it.focused = (page = it.olivia) => page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute('aria-label') || document.activeElement.textContent);
  /** Names, references, contrast; and all that axe-core knows. */
  it.isSound = async (page = it.olivia) => assert.deepEqual([...await page.evaluate(audit), ...await axe(page)], []);
  /** The last test of each file. */
  it.ends = () => test('nothing went wrong in the page meanwhile', () => assert.deepEqual(faults, []));
  return it;
}
