// What people send besides text, and what they find again: files, polls, threads, forwards, pins, search; and what bots send
// of that kind.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from './harness.mjs';

const it = stage();
const { box, command, ends, isSound, open, picture, runs, says, shows } = it;

/** Gives files to the page as a drag, a paste or a choice would: bytes from the page itself, a picture among them. */
const give = (kind, names) => it.olivia.evaluate(async ([how, list]) => {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: 320, height: 180 });
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#3a7';
  pen.fillRect(0, 0, 320, 180);
  const image = await new Promise((done) => { canvas.toBlob(done, 'image/png'); });
  const data = new DataTransfer();
  for (const name of list) data.items.add(name.endsWith('.png') ? new File([image], name, { type: 'image/png' }) : new File(['some text'], name, { type: 'text/plain' }));
  const target = how === 'paste' ? document.getElementById('text') : document.body;
  if (how === 'paste') target.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  else target.dispatchEvent(new DragEvent(how, { dataTransfer: data, bubbles: true, cancelable: true }));
}, [kind, names]);

test('files are dropped and pasted, shown before they go, and shown to everybody afterwards', async () => {
  const alice = await open('?as=alice', { colorScheme: 'light' });
  await give('dragenter', ['green.png']);
  await it.olivia.getByText('Drop to send').waitFor();
  await give('drop', ['green.png', 'notes.txt']);
  await it.olivia.getByText('Drop to send').waitFor({ state: 'hidden' });
  await give('paste', ['third.png']);
  const staged = it.olivia.getByRole('list', { name: 'Files to send' }).getByRole('listitem');
  await staged.nth(2).waitFor();
  await staged.nth(2).getByRole('button', { name: 'Remove the file' }).click();
  await staged.nth(2).waitFor({ state: 'detached' });
  await picture('staged-dark');
  await isSound();
  await says('two files');
  for (const page of [it.olivia, alice]) {
    const message = shows('two files', page);
    const image = message.locator('img');
    await image.waitFor();
    await page.waitForFunction((img) => img.complete && img.naturalWidth === 320, await image.elementHandle());
    await message.getByRole('link', { name: 'notes.txt', exact: true }).waitFor();
    assert.match(await message.getByRole('link', { name: 'Download notes.txt' }).getAttribute('href'), /\/attachments\/\d+\/\d+\/notes\.txt$/);
  }
  await shows('two files').getByRole('button', { name: /Show green.png large/ }).click();
  await it.olivia.getByRole('dialog', { name: 'green.png' }).waitFor();
  await picture('lightbox-dark');
  await it.olivia.keyboard.press('Escape');
  await alice.context().close();
});

test('a spoiler file is hidden until it is pressed', async () => {
  await give('drop', ['secret.png']);
  await it.olivia.getByRole('button', { name: 'Mark as spoiler' }).click();
  await says('do not look');
  await shows('do not look').getByRole('button', { name: 'Spoiler, press to show' }).click();
  await shows('do not look').locator('.veiled').waitFor({ state: 'detached' });
});

test('a file goes to an option of a command, and to a field of a form', async () => {
  const chooser = (act) => Promise.all([it.olivia.waitForEvent('filechooser'), act()]).then(([event]) => event);
  await command('keep');
  const first = await chooser(() => it.olivia.keyboard.press('ArrowDown'));
  await first.setFiles({ name: 'report.txt', mimeType: 'text/plain', buffer: Buffer.from('twelve bytes') });
  await it.olivia.keyboard.press('Enter');
  await shows('Kept report.txt, 12 bytes').waitFor();
  await runs('fields');
  const dialog = it.olivia.getByRole('dialog', { name: 'All kinds' });
  await dialog.getByLabel('Name').fill('Olivia');
  await dialog.getByLabel('Size').selectOption('Large');
  await dialog.getByLabel('Friend').selectOption('Bob');
  await dialog.getByLabel('Picture').setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
  await picture('fields-dark');
  await isSound();
  await dialog.getByRole('button', { name: 'Submit' }).click();
  await shows('Filled: name="Olivia" size=["large"]').getByText(/me\.png/).waitFor();
});

test('boxes to tick and to choose from in a form', async () => {
  await says('!buttons');
  await shows('Press one').getByRole('button', { name: '🎲' }).click();
  const dialog = it.olivia.getByRole('dialog', { name: 'More kinds' });
  await dialog.getByLabel('Blue').check();
  await dialog.getByLabel('Cheese').check();
  await dialog.getByLabel('Olives').check();
  await dialog.getByLabel('I agree').check();
  await isSound();
  await dialog.getByRole('button', { name: 'Submit' }).click();
  await shows('Filled: colour="blue" extras=["cheese","olives"] agree=true').waitFor();
});

test('selects of roles, of people and roles, and of channels', async () => {
  await says('!selects');
  for (const [kind, name] of [[6, '@Moderator'], [7, 'Alice'], [8, '#bots']]) {
    const answers = it.olivia.locator('#messages > .message', { hasText: 'Chosen:' });
    const before = await answers.count();
    await it.olivia.locator(`.message:not(.ephemeral) [data-custom-id="select:${kind}"]`).last().click();
    await it.olivia.getByRole('option', { name }).click();
    await answers.nth(before).waitFor();
  }
});

test('a bot’s pictures, files and spoilers in a layout', async () => {
  await says('!gallery');
  const message = shows('Three pictures and a file');
  await message.locator('.gallery img').nth(2).waitFor();
  await message.getByRole('link', { name: 'notes.txt', exact: true }).waitFor();
  await message.getByRole('button', { name: 'Spoiler, press to show' }).click();
  await picture('gallery-dark');
  await isSound();
});

test('polls: a bot’s is voted in and shows how others voted; a person’s is made and ended', async () => {
  const alice = await open('?as=alice');
  await says('!poll');
  const poll = (page) => page.getByRole('region', { name: 'Poll: Tea or coffee?' }).last();
  await poll(it.olivia).getByRole('radio', { name: /Tea/ }).click();
  await picture('poll-dark');
  await poll(it.olivia).getByRole('button', { name: 'Vote', exact: true }).click();
  await poll(it.olivia).getByText('1 vote · 100 %').waitFor();
  await poll(alice).getByRole('radio', { name: 'Coffee' }).click();
  await poll(alice).getByRole('button', { name: 'Vote', exact: true }).click();
  await poll(it.olivia).getByText('1 vote · 50 %').nth(1).waitFor();
  await isSound();
  await poll(it.olivia).getByRole('button', { name: 'Remove vote' }).click();
  await poll(it.olivia).getByRole('radio', { name: /Tea/ }).waitFor();
  await it.olivia.getByRole('button', { name: /^Send a file/ }).click();
  await it.olivia.getByRole('menuitem', { name: 'Create a poll' }).click();
  const form = it.olivia.getByRole('dialog', { name: 'Create a poll' });
  await form.getByLabel('Question').fill('Lunch?');
  await form.getByLabel('Answer 1').fill('Pizza');
  await form.getByLabel('Answer 2').fill('Salad');
  await isSound();
  await form.getByRole('button', { name: 'Post' }).click();
  const own = it.olivia.getByRole('region', { name: 'Poll: Lunch?' });
  await own.getByRole('button', { name: 'End poll' }).click();
  await own.getByText('This poll has ended').waitFor();
  await alice.context().close();
});

test('a message is pinned, found among the pins, and gone to from there', async () => {
  await says('keep this in mind');
  const message = shows('keep this in mind');
  await message.waitFor();
  await message.click({ button: 'right', position: { x: 400, y: 10 } });
  await it.olivia.getByRole('menu', { name: 'Message' }).waitFor();
  await isSound();
  await picture('message-menu-dark');
  await it.olivia.getByRole('menuitem', { name: 'Pin message' }).click();
  await shows('pinned a message to this channel').getByRole('button', { name: 'pinned messages' }).click();
  const pins = it.olivia.getByRole('complementary', { name: 'Pinned messages' });
  await pins.getByText('keep this in mind').waitFor();
  await picture('pins-dark');
  await isSound();
  await pins.getByRole('button', { name: 'Jump' }).click();
  await it.olivia.locator('.message.flash', { hasText: 'keep this in mind' }).waitFor();
  await pins.getByRole('button', { name: 'Unpin' }).click();
  await pins.getByText('no pinned messages').waitFor();
  await it.olivia.keyboard.press('Escape');
});

test('a search finds words and authors, and jumps to a message that is far back', async () => {
  await says('the needle in the hay');
  await shows('the needle').waitFor();
  await says('!many');
  await shows('line 120').waitFor();
  // Opened anew, only the last messages are at hand.
  await it.olivia.reload();
  await it.ready(it.olivia);
  assert.equal(await it.olivia.locator('#messages > .message', { hasText: 'the needle' }).count(), 0);
  const search = it.olivia.getByRole('searchbox', { name: 'Search messages' });
  await search.fill('needle from:olivia');
  await search.press('Enter');
  const results = it.olivia.getByRole('complementary', { name: '1 result' });
  await results.getByText('the needle in the hay').waitFor();
  await picture('search-dark');
  await isSound();
  await results.getByRole('button', { name: 'Jump' }).click();
  await it.olivia.locator('.message.flash', { hasText: 'the needle' }).waitFor();
  await search.fill('');
  await search.press('Enter');
  await it.olivia.getByRole('button', { name: /Jump to present/ }).click();
  await shows('line 120').waitFor();
});

test('a thread begins with a message, and a message is forwarded into another channel', async () => {
  await says('let us talk about this');
  const message = shows('let us talk about this');
  await message.hover();
  await message.getByRole('button', { name: 'More' }).click();
  await it.olivia.getByRole('menuitem', { name: 'Create thread' }).click();
  await it.olivia.getByLabel('Thread name').fill('The talk');
  await it.olivia.getByRole('button', { name: 'Create', exact: true }).click();
  await it.olivia.locator('#heading', { hasText: 'The talk' }).waitFor();
  await says('in the thread');
  await shows('in the thread').waitFor();
  await picture('thread-dark');
  const thread = shows('in the thread');
  await thread.hover();
  await thread.getByRole('button', { name: 'More' }).click();
  await it.olivia.getByRole('menuitem', { name: 'Forward' }).click();
  await it.olivia.getByLabel('Where').selectOption({ label: '#bots · Sandbox' });
  await it.olivia.getByRole('dialog').getByRole('button', { name: 'Send' }).click();
  await it.olivia.locator('#heading', { hasText: 'bots' }).waitFor();
  await shows('in the thread').getByText('Forwarded').waitFor();
  await isSound();
  await picture('forwarded-dark');
});

test('emoji by name, and a message of nothing else is large', async () => {
  await box().pressSequentially('so :fir');
  await it.olivia.getByRole('option', { name: ':fire:' }).waitFor();
  await it.olivia.keyboard.press('Enter');
  assert.equal(await box().inputValue(), 'so 🔥 ');
  await says(':tada:');
  await shows('🎉').locator('.content.huge').waitFor();
});

ends();
