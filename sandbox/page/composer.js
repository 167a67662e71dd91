// The box to write in, its picker of commands, people and channels, and who is typing.

import { $, h, icon, iconButton, openMenu } from './dom.js';
import { encodeEmoji, findEmoji, pickEmoji } from './emoji.js';
import { drawStaged, pickFiles, putBack, stage, takeStaged, withFiles } from './files.js';
import { may } from './permissions.js';
import { openPollForm } from './poll.js';
import { openThreadForm } from './menus.js';
import { botName, findChannel, findUser, guildNow, isOwn, listNow, membersNow, state, THREADS, userName } from './state.js';
import { focusMessage, startEdit } from './message.js';
import { drawMessage, scrollDown } from './timeline.js';
import { hidePicker, movePick, picker, showPicker } from './picker.js';
import { avatar } from './people.js';
import { invocations, openSlash } from './slash.js';
import { drawWaiting } from './interaction.js';
import { api } from './server.js';
import { receive } from './live.js';

const stopReply = () => {
  const before = state.replyTo;
  state.replyTo = null;
  if (before) drawMessage(before);
  drawAnswering();
};
export const fit = (box) => { box.style.height = 'auto'; box.style.height = `${Math.min(box.scrollHeight, innerHeight * 0.4)}px`; };
export const complain = (text) => { $('problem').hidden = !text; $('problem').replaceChildren(...(text ? [h('span', {}, text), iconButton('close', 'Dismiss', () => complain(''))] : [])); };

/** Text that was put in by choosing someone, and what Discord's clients send for it. */
const chosenMentions = new Map();
export const encodeMentions = (content) => [...chosenMentions].sort(([a], [b]) => b.length - a.length).reduce((text, [shown, token]) => text.replaceAll(shown, token), content);
export function insertMention(user) {
  const box = $('text');
  const shown = `@${userName(user)}`;
  chosenMentions.set(shown, `<@${user.id}>`);
  box.setRangeText(`${shown} `, box.selectionStart, box.selectionEnd, 'end');
  box.focus();
}

/** Whether the reply that is being written pings whom it answers. */
let pings = true;
export function drawAnswering() {
  const message = listNow().find((each) => each.id === state.replyTo);
  $('answering').hidden = !message;
  if (!message) pings = true;
  const other = message && message.author?.id !== state.me?.id;
  $('answering').replaceChildren(...(message ? [h('span', {}, 'Replying to ', h('b', {}, userName(message.author))),
    other && h('button', { type: 'button', class: 'ping', 'aria-pressed': String(pings), title: pings ? 'They are pinged' : 'They are not pinged', onclick: () => { pings = !pings; drawAnswering(); } }, pings ? '@ ON' : '@ OFF'), iconButton('close', 'Stop replying', stopReply)].filter(Boolean) : []));
  drawStaged();
}

/** Messages go out one after the other, in the order in which they were typed. */
let sending = Promise.resolve();
function sendText() {
  const box = $('text');
  const typed = box.value;
  const content = encodeEmoji(encodeMentions(typed.trim()));
  if (!state.channel || box.disabled) return;
  const staged = takeStaged();
  if (!content && !staged.length) return;
  const target = { as: state.me.id, channel_id: state.channel, content, ...(state.replyTo ? { reply_to: state.replyTo, ping: pings } : {}), ...(staged.length ? { attachments: staged.map((each, id) => ({ id, is_spoiler: each.spoiler })) } : {}) };
  const body = staged.length ? withFiles(target, staged.map((each) => each.file)) : target;
  box.value = '';
  told.at = 0;
  changed();
  stopReply();
  complain('');
  const entry = { kind: 'text', channelId: target.channel_id, content: [typed.trim(), ...staged.map((each) => each.file.name)].filter(Boolean).join('\n'), phase: 'waiting' };
  // Only what takes its time is shown as being sent.
  const slow = setTimeout(() => { state.waiting.add(entry); drawWaiting(); }, 250);
  sending = sending.then(async () => {
    try {
      receive('message_create', await api('POST', '/page/messages', body));
      for (const each of staged) if (each.address) URL.revokeObjectURL(each.address);
    } catch (error) {
      complain(`Not sent: ${error.message}`);
      if (staged.length) putBack(target.channel_id, staged);
      if (!box.value && state.channel === target.channel_id) { box.value = typed; changed(); }
    } finally {
      clearTimeout(slow);
      if (state.waiting.delete(entry)) drawWaiting();
    }
  });
}

/** What the text calls for: commands after a leading slash, people and roles after @, channels after #. */
export function changed() {
  const box = $('text');
  fit(box);
  const left = 2000 - box.value.length;
  $('count').textContent = left < 200 ? String(left) : '';
  $('count').classList.toggle('over', left < 0);
  if (!box.value) chosenMentions.clear();
  const command = /^\/([^\n]*)$/.exec(box.value);
  if (command) { pickCommand(command[1]); return; }
  const token = /(?:^|[\s(])([@#])([^\s@#]{0,32})$/u.exec(box.value.slice(0, box.selectionStart));
  if (token && state.channel) { pickMention(token[1], token[2].toLowerCase()); return; }
  const emoji = /(?:^|\s):([\w+-]{2,32})$/.exec(box.value.slice(0, box.selectionStart));
  if (emoji && state.channel) {
    const found = findEmoji(emoji[1], 10);
    if (found.length) {
      showPicker({ owner: box, kind: ':', head: h('h2', {}, `Emoji matching :${emoji[1]}`), items: found.map((each) => ({ face: h('span', { class: 'emoji' }, each.custom ? '🖼️' : each.emoji), label: `:${each.name}:`, pick: () => {
        const start = box.value.slice(0, box.selectionStart).lastIndexOf(':');
        box.setRangeText(each.custom ? `:${each.name}: ` : `${each.emoji} `, start, box.selectionStart, 'end');
        hidePicker();
        changed();
      } })) });
      return;
    }
  }
  hidePicker();
}

function pickCommand(typed) {
  const all = invocations();
  const exact = /\s$/.test(typed) && all.find((each) => each.name === typed.trim().toLowerCase());
  if (exact && !all.some((each) => each !== exact && each.name.startsWith(`${exact.name} `))) { openSlash(exact); return; }
  const sought = typed.toLowerCase().trim();
  const rank = (each) => (each.name.startsWith(sought) ? 0 : each.name.includes(sought) ? 1 : (each.description ?? '').toLowerCase().includes(sought) ? 2 : 3);
  const found = all.map((each) => [rank(each), each]).filter(([order]) => order < 3).sort(([a, x], [b, y]) => a - b || x.name.localeCompare(y.name)).slice(0, 50);
  if (!found.length && all.length) { hidePicker(); return; }
  showPicker({ owner: $('text'), kind: '/', items: found.map(([, each]) => ({
    face: avatar(state.bot, 'small'), label: `/${each.name}`, detail: each.description, hint: each.options.map((option) => (option.required ? option.name : `${option.name}?`)).join(' '), pick: () => openSlash(each),
  })), nothing: `${botName()} has no slash commands here${state.online ? '' : ' while it is offline'}.` });
}

function pickMention(mark, typed) {
  const fits = (...names) => names.some((name) => name?.toLowerCase().includes(typed));
  const insert = (shown, token) => {
    const box = $('text');
    const start = box.value.slice(0, box.selectionStart).lastIndexOf(mark);
    chosenMentions.set(shown, token);
    box.setRangeText(`${shown} `, start, box.selectionStart, 'end');
    hidePicker();
    changed();
  };
  const all = mark === '@' && guildNow() && may('MentionEveryone', state.channel) ? ['everyone', 'here'].filter((name) => fits(name)).map((name) => ({ face: icon('people'), label: `@${name}`, detail: name === 'everyone' ? 'Everybody who sees this channel' : 'Everybody who is online', pick: () => insert(`@${name}`, `@${name}`) })) : [];
  const found = mark === '@'
    ? [...membersNow().filter(({ user }) => fits(userName(user), user.username)).map(({ user }) => ({ face: avatar(user, 'small'), label: userName(user), detail: user.bot ? 'Bot' : user.username, pick: () => insert(`@${userName(user)}`, `<@${user.id}>`) })),
      ...(guildNow()?.roles ?? []).filter((role) => role.id !== state.guild && fits(role.name)).map((role) => ({ face: icon('people'), label: `@${role.name}`, detail: 'Role', pick: () => insert(`@${role.name}`, `<@&${role.id}>`) }))]
    : (guildNow()?.channels ?? []).filter((channel) => channel.type !== 4 && fits(channel.name)).map((channel) => ({ face: icon('hash'), label: channel.name, pick: () => insert(`#${channel.name}`, `<#${channel.id}>`) }));
  if (found.length || all.length) showPicker({ owner: $('text'), kind: mark, items: [...found.slice(0, 25), ...all], head: h('h2', {}, mark === '@' ? 'Members and roles' : 'Channels') }); else hidePicker();
}

function composerKeys(event) {
  if (event.isComposing) return;
  const box = event.currentTarget;
  const open = picker.items.length > 0;
  if (movePick(event)) return;
  if (open && ((event.key === 'Enter' && !event.shiftKey) || (event.key === 'Tab' && !event.shiftKey))) picker.items[picker.at].pick();
  else if (event.key === 'Escape') {
    if (picker.kind) hidePicker();
    else if (state.replyTo) stopReply();
    else { scrollDown(); return; }
  } else if (event.key === 'Enter' && !event.shiftKey) sendText();
  else if (event.key === 'ArrowUp' && !box.value) {
    const own = listNow().findLast(isOwn);
    if (own) startEdit(own); else focusMessage($('messages').lastElementChild);
  } else return;
  event.preventDefault();
}
$('text').addEventListener('input', () => { changed(); tellTyping(); });
$('text').addEventListener('keydown', composerKeys);
$('text').addEventListener('blur', hidePicker);
$('text').addEventListener('focus', () => { if ($('text').value) changed(); });
$('composer').addEventListener('submit', (event) => { event.preventDefault(); sendText(); $('text').focus(); });
/** Discord's clients say so again every eight seconds. */
let told = { channel: null, at: 0 };
function tellTyping() {
  const { value } = $('text');
  if (!value.trim() || value.startsWith('/') || !state.channel || (told.channel === state.channel && Date.now() - told.at < 8000)) return;
  told = { channel: state.channel, at: Date.now() };
  api('POST', '/page/typing', { as: state.me.id, channel_id: state.channel }).catch(() => { /* Nobody misses it. */ });
}
export function drawTyping() {
  const names = [...state.typing.values()].filter((each) => each.channelId === state.channel).map((each) => userName(findUser(each.userId)));
  $('typing').replaceChildren(...(names.length ? [h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')), h('b', {}, names.slice(0, 3).join(', ')), names.length === 1 ? ' is typing…' : ' are typing…'] : []));
}
export function startTyping({ channel_id: channelId, user_id: userId }) {
  if (userId === state.me?.id) return;
  const key = `${channelId}:${userId}`;
  clearTimeout(state.typing.get(key)?.timer);
  // Discord's clients show it for ten seconds, or until the message is there.
  state.typing.set(key, { channelId, userId, timer: setTimeout(() => clearTyping(channelId, userId), 10_000) });
  drawTyping();
}
export function clearTyping(channelId, userId) {
  const key = `${channelId}:${userId}`;
  clearTimeout(state.typing.get(key)?.timer);
  if (state.typing.delete(key)) drawTyping();
}

$('more-to-send').addEventListener('click', (event) => {
  const inThread = THREADS.has(findChannel(state.channel)?.type);
  openMenu(event.currentTarget, 'Send', [
    may('AttachFiles', state.channel) && { label: 'Upload a file', icon: 'file', run: () => pickFiles(stage) },
    { label: 'Create a poll', icon: 'apps', run: openPollForm },
    state.guild && !inThread && may('CreatePublicThreads', state.channel) && { label: 'Create a thread', icon: 'thread', run: () => openThreadForm() },
    { label: 'Use a command', icon: 'bolt', run: () => { $('text').value = '/'; $('text').focus(); changed(); } },
  ]);
});
$('emoji').addEventListener('click', (event) => pickEmoji(event.currentTarget, (emoji) => {
  const box = $('text');
  box.setRangeText(typeof emoji === 'string' ? emoji : `:${emoji.name}:`, box.selectionStart, box.selectionEnd, 'end');
  box.focus();
  changed();
}));
