// What the page has to be able to show, as a bot says it: every kind of answer once.

import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { connect } from './wire.mjs';

/** As PNG wants it; Node has one of its own only since 22. */
function crc32(data) {
  let crc = -1;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

const choice = (name) => ({ name, value: name.toLowerCase() });
const COMMANDS = [
  { name: 'order', description: 'Order something, with every kind of option', options: [
    { type: 3, name: 'item', description: 'What it shall be', required: true, choices: ['Pizza', 'Pasta', 'Salad'].map(choice) },
    { type: 4, name: 'amount', description: 'How many', required: true, min_value: 1, max_value: 10 },
    { type: 6, name: 'friend', description: 'Who eats with you' },
    { type: 7, name: 'where', description: 'Where to bring it' },
    { type: 8, name: 'group', description: 'Who pays' },
    { type: 5, name: 'hot', description: 'Whether it is hot' },
    { type: 10, name: 'tip', description: 'In percent', max_value: 20 },
    { type: 3, name: 'note', description: 'For the kitchen', max_length: 40 }] },
  { name: 'find', description: 'Find a fruit while you type', options: [{ type: 3, name: 'fruit', description: 'Its name', required: true, autocomplete: true }] },
  { name: 'secret', description: 'Tell you something that nobody else sees' },
  { name: 'slow', description: 'Think until somebody says !finish' },
  { name: 'silent', description: 'Say nothing at all' },
  { name: 'form', description: 'Open a form' },
  { name: 'layout', description: 'Show the newer components' },
  { name: 'warn', description: 'Warnings', options: [
    { type: 1, name: 'add', description: 'Warn somebody', options: [{ type: 6, name: 'who', description: 'Whom', required: true }] },
    { type: 1, name: 'list', description: 'List the warnings' }] },
  { name: 'fields', description: 'Open a form with a field of every kind' },
  { name: 'keep', description: 'Keep a file', options: [{ type: 11, name: 'file', description: 'Which one', required: true }] },
  { name: 'Quote', type: 3 }, { name: 'Inspect', type: 2 },
];

const FRUIT = ['Apple', 'Apricot', 'Banana', 'Cherry', 'Fig', 'Grape', 'Peach', 'Plum'];
const CARD = {
  title: 'Weekly report', url: 'https://example.com/report', description: 'All **systems** are up, _mostly_. See `status` or <#CHANNEL>, ask <@PERSON>.\n> quoted\n- one\n- two', color: 0x3ba55d,
  author: { name: 'Operations', url: 'https://example.com' }, thumbnail: { url: 'https://example.com/thumb.png' }, footer: { text: 'Page 1 of 3' }, timestamp: new Date(Date.now() - 3_600_000).toISOString(),
  fields: [{ name: 'Servers', value: '12', inline: true }, { name: 'Members', value: '3,480', inline: true }, { name: 'Latency', value: '42 ms', inline: true }, { name: 'Notes', value: '```rust\nfn main() { println!("hi"); }\n```' }],
};
const BUTTONS = { type: 1, components: [[1, 'Primary'], [2, 'Secondary'], [3, 'Success'], [4, 'Danger']].map(([style, label]) => ({ type: 2, style, label, custom_id: `press:${label}` }))
  .concat([{ type: 2, style: 5, label: 'Link', url: 'https://example.com' }]) };
const DISABLED = { type: 1, components: [{ type: 2, style: 2, label: 'Disabled', custom_id: 'off', disabled: true }, { type: 2, style: 1, emoji: { name: '🎲', id: null }, custom_id: 'press:Dice' }] };
const SELECTS = [
  { type: 1, components: [{ type: 3, custom_id: 'colour', placeholder: 'Choose a colour', min_values: 1, max_values: 2, options: ['Red', 'Green', 'Blue'].map((label) => ({ label, value: label.toLowerCase(), description: `The colour ${label.toLowerCase()}` })) }] },
  { type: 1, components: [{ type: 5, custom_id: 'person', placeholder: 'Choose a person' }] },
];
const LAYOUT = { flags: 1 << 15, components: [{ type: 17, accent_color: 0xe2b457, components: [
  { type: 10, content: '## Garden\nWhat grows *now*, and what to do <t:1700000000:R>.' }, { type: 14, divider: true, spacing: 1 },
  { type: 9, components: [{ type: 10, content: '**Tomatoes**\nNeed water every day.' }], accessory: { type: 2, style: 3, label: 'Water', custom_id: 'press:Water' } },
  { type: 9, components: [{ type: 10, content: '**Beans**\nReady to pick.' }], accessory: { type: 11, media: { url: 'https://example.com/beans.png' } } },
  { type: 1, components: [{ type: 2, style: 1, label: 'Plan', custom_id: 'press:Plan' }, { type: 2, style: 2, label: 'Later', custom_id: 'press:Later' }] }] }] };
const FORM = { custom_id: 'feedback', title: 'Feedback', components: [
  { type: 1, components: [{ type: 4, custom_id: 'subject', style: 1, label: 'Subject', required: true, max_length: 40, placeholder: 'In a few words' }] },
  { type: 1, components: [{ type: 4, custom_id: 'text', style: 2, label: 'What happened?', required: false }] }] };
const options = (labels) => labels.map((label) => ({ label, value: label.toLowerCase() }));
const label = (title, component, description) => ({ type: 18, label: title, description, component });
const FIELDS = { custom_id: 'fields', title: 'All kinds', components: [
  { type: 10, content: 'Fill in **what you like**.' },
  label('Name', { type: 4, custom_id: 'name', style: 1 }, 'As on your badge'),
  label('Size', { type: 3, custom_id: 'size', options: options(['Small', 'Large']) }),
  label('Friend', { type: 5, custom_id: 'friend', required: false }),
  label('Picture', { type: 19, custom_id: 'picture', required: false }),
] };
const CHECKS = { custom_id: 'fields', title: 'More kinds', components: [
  label('Colour', { type: 21, custom_id: 'colour', options: options(['Red', 'Blue']) }), label('Extras', { type: 22, custom_id: 'extras', options: options(['Cheese', 'Olives']), required: false }),
  label('I agree', { type: 23, custom_id: 'agree' })] };
const MORE_SELECTS = [6, 7, 8].map((type) => ({ type: 1, components: [{ type, custom_id: `select:${type}`, placeholder: `Select ${type}` }] }));
/** A picture of one colour, 64 by 64, as a PNG. */
const PIXELS = (() => {
  const part = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const line = Buffer.concat([Buffer.from([0]), Buffer.alloc(64 * 3, Buffer.from([88, 101, 242]))]);
  const head = Buffer.from([0, 0, 0, 64, 0, 0, 0, 64, 8, 2, 0, 0, 0]);
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), part('IHDR', head), part('IDAT', deflateSync(Buffer.concat(Array(64).fill(line)))), part('IEND', Buffer.alloc(0))]);
})();
const GALLERY = { flags: 1 << 15, components: [{ type: 10, content: '### Three pictures and a file' }, { type: 12, items: [0, 1, 2].map((at) => ({ media: { url: `attachment://p${at}.png` }, description: `Picture ${at}`, spoiler: at === 2 })) },
  { type: 14, divider: true, spacing: 2 }, { type: 13, file: { url: 'attachment://notes.txt' } }] };
const TEXT = ['# Heading', 'Plain, **bold**, *italic*, __underlined__, ~~struck~~, `code`, ||a spoiler||, <https://example.com>', '> a quote', '-# small print', '1. first', '2. second',
  'Hello <@PERSON> in <#CHANNEL>, <t:1700000000:F>, that is <t:1700000000:R>', '```js\nconst answer = 42;\n```', '<script>alert("no")</script> &amp; <b>no</b>'].join('\n');

const upload = (payload, files) => {
  const form = new FormData();
  form.append('payload_json', JSON.stringify(payload));
  files.forEach(([name, type, bytes], at) => form.append(`files[${at}]`, new File([bytes], name, { type })));
  return form;
};
const fill = (value, message) => JSON.parse(JSON.stringify(value).replaceAll('PERSON', message.author.id).replaceAll('CHANNEL', message.channel_id));
let thinking = null;

const WORDS = {
  '!ping': (bot, message) => bot.say(message.channel_id, { content: 'pong', message_reference: { message_id: message.id } }),
  '!text': (bot, message) => bot.say(message.channel_id, { content: fill(TEXT, message) }),
  '!card': (bot, message) => bot.say(message.channel_id, { embeds: [fill(CARD, message)] }),
  '!buttons': (bot, message) => bot.say(message.channel_id, { content: 'Press one', components: [BUTTONS, DISABLED, ...SELECTS] }),
  '!selects': (bot, message) => bot.say(message.channel_id, { content: 'Select one', components: MORE_SELECTS }),
  '!poll': (bot, message) => bot.say(message.channel_id, { poll: { question: { text: 'Tea or coffee?' }, answers: [{ poll_media: { text: 'Tea', emoji: { name: '🍵' } } }, { poll_media: { text: 'Coffee' } }], duration: 1 } }),
  '!gallery': (bot, message) => bot.rest('POST', `/channels/${message.channel_id}/messages`, upload(GALLERY, [...[0, 1, 2].map((at) => [`p${at}.png`, 'image/png', PIXELS]), ['notes.txt', 'text/plain', Buffer.from('some notes')]])),
  '!kick': async (bot, message) => { const { status, body } = await bot.rest('DELETE', `/guilds/${message.guild_id}/members/${message.mentions[0].id}`); await bot.say(message.channel_id, { content: `Kick: ${status} ${body?.message ?? ''}` }); },
  '!broken': (bot, message) => bot.say(message.channel_id, { embeds: [{ title: 'x'.repeat(300), fields: [{ name: '', value: 'y' }] }] }),
  '!typing': (bot, message) => bot.rest('POST', `/channels/${message.channel_id}/typing`),
  '!finish': (bot) => bot.original(thinking, { content: 'Here it is at last' }),
  '!many': async (bot, message) => { for (let at = 1; at <= 120; at += 1) await bot.say(message.channel_id, { content: `line ${at}` }); },
  '!react': async (bot, message) => { for (const emoji of ['👍', '🎉']) await bot.rest('PUT', `/channels/${message.channel_id}/messages/${message.id}/reactions/${encodeURIComponent(emoji)}/@me`); },
};

const option = (data, name) => data.options?.find((each) => each.name === name)?.value;
const SLASH = {
  order: (bot, it) => bot.answer(it, 4, { content: `Ordered: ${(it.data.options ?? []).map((each) => `${each.name}=${JSON.stringify(each.value)}`).join(' ')}` }),
  find: (bot, it) => (it.type === 4
    ? bot.answer(it, 8, { choices: FRUIT.filter((fruit) => fruit.toLowerCase().startsWith(option(it.data, 'fruit').toLowerCase())).map(choice) })
    : bot.answer(it, 4, { content: `Found ${option(it.data, 'fruit')}` })),
  secret: (bot, it) => bot.answer(it, 4, { content: 'The password is swordfish', flags: 64 }),
  slow: async (bot, it) => { await bot.answer(it, 5); thinking = it; },
  silent: () => {},
  form: (bot, it) => bot.answer(it, 9, FORM),
  fields: (bot, it) => bot.answer(it, 9, FIELDS),
  keep: (bot, it) => bot.answer(it, 4, { content: `Kept ${Object.values(it.data.resolved.attachments)[0].filename}, ${Object.values(it.data.resolved.attachments)[0].size} bytes` }),
  layout: (bot, it) => bot.answer(it, 4, LAYOUT),
  warn: (bot, it) => bot.answer(it, 4, { content: `Warned by ${it.data.options[0].name}`, flags: 64 }),
  Quote: (bot, it) => bot.answer(it, 4, { content: `> ${it.data.resolved.messages[it.data.target_id].content}` }),
  Inspect: (bot, it) => bot.answer(it, 4, { content: `That is ${it.data.resolved.users[it.data.target_id].username}`, flags: 64 }),
};

const EVENTS = {
  MESSAGE_CREATE: (bot, message) => (message.author.bot ? null : WORDS[message.content.split(' ')[0]]?.(bot, message)),
  INTERACTION_CREATE: (bot, it) => {
    if (it.type === 2 || it.type === 4) return SLASH[it.data.name](bot, it);
    if (it.type === 5 && it.data.custom_id === 'fields') {
      const filled = it.data.components.filter((each) => each.component).map(({ component }) => `${component.custom_id}=${JSON.stringify(component.values ?? component.value)}`);
      const files = Object.values(it.data.resolved?.attachments ?? {}).map((file) => file.filename);
      return bot.answer(it, 4, { content: `Filled: ${filled.join(' ')} ${files.join(' ')}` });
    }
    if (it.type === 5) return bot.answer(it, 4, { content: `Thank you for "${it.data.components[0].components[0].value}"` });
    if (it.data.custom_id === 'press:Dice') return bot.answer(it, 9, CHECKS);
    if (it.data.values) return bot.answer(it, 4, { content: `Chosen: ${it.data.values.join(', ')}`, flags: 64 });
    return bot.answer(it, 7, { content: `Pressed ${it.data.custom_id.slice(6)}` });
  },
};

/** Starts a sandbox on `port` (0: a free one) and the bot on it. */
export async function start(port = 0) {
  const built = [process.env.SANDBOX, '../../target/release/sandbox', '../../target/debug/sandbox'].filter((path) => path && existsSync(path));
  if (!built.length) throw new Error('no sandbox to run: cargo build -p sandbox, or set SANDBOX to the program');
  const program = process.env.SANDBOX ?? built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  // Without Discord's specification: here it is the sandbox's own words that a refused bot is shown.
  const { DISCORD_OPENAPI, ...env } = process.env;
  const child = spawn(program, ['--port', String(port), '--until-stdin-closes'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const line = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => { text += chunk; if (text.includes('\n')) resolve(text); });
    child.on('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)));
  });
  const where = JSON.parse(line);
  const ended = new Promise((resolve) => { child.on('exit', resolve); });
  const bot = await connect(where, COMMANDS, EVENTS);
  return { url: where.page_url, bot, stop: async () => { bot.stop(); child.stdin.end(); await ended; } };
}
