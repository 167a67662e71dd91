// One message as an element: its head, quoted line, text, hidden-note and what can be done with it.

import { $, confirmDialog, h, icon, iconButton, openMenu } from './dom.js';
import { commandName, findUser, isHidden, isLoading, isOwn, listNow, memberColour, mentionsMe, state, usedCommand, userName } from './state.js';
import { CLOCK, DAY, EXACT, timeElement } from './time.js';
import { markdown } from './markdown.js';
import { attachmentNode, embedNode } from './embed.js';
import { openTraffic } from './traffic.js';
import { errorLines } from './json.js';
import { componentNode } from './component.js';
import { menuCommands, useMenu } from './interaction.js';
import { drawMessage, removeMessage } from './timeline.js';
import { avatar, openCard, tag } from './people.js';
import { complain, drawAnswering, fit } from './composer.js';
import { api } from './server.js';
import { receive } from './live.js';

const startsGroup = (message, before) => !before
  || before.author?.id !== message.author?.id
  || ![0, 19, 20].includes(before.type)
  || message.type !== 0
  || Boolean(usedCommand(message))
  || Boolean(message.webhook_id) !== Boolean(before.webhook_id)
  || isHidden(message) !== isHidden(before)
  || new Date(message.timestamp) - new Date(before.timestamp) > 7 * 60_000
  || newDay(message, before);
const newDay = (message, before) => !before || new Date(message.timestamp).toDateString() !== new Date(before.timestamp).toDateString();

const SYSTEM_TEXTS = new Map([
  [1, 'added someone to the group.'], [2, 'removed someone from the group.'], [6, 'pinned a message to this channel.'],
  [7, 'joined the server.'], [8, 'boosted the server.'], [18, 'started a thread.'], [21, 'started this thread with a message.'],
]);

/** One message of the list as an element; `before` decides whether it continues a group. */
export function messageNode(message, before) {
  if (message.refusal) return refusalNode(message);
  const author = message.author ?? { id: '0', username: 'unknown' };
  const system = ![0, 19, 20, 23].includes(message.type);
  const start = startsGroup(message, before);
  const classes = ['message', start && 'start', message.failed && 'failed', system && 'system', mentionsMe(message) && 'mentioned', isHidden(message) && 'ephemeral',
    state.replyTo === message.id && 'answered'].filter(Boolean);
  const name = h('button', { type: 'button', class: 'author', tabindex: '-1', style: memberColour(author.id) ? { '--role': memberColour(author.id) } : {}, onclick: (event) => openCard(event.currentTarget, author) }, userName(author));

  const body = h('div', { class: 'body' });
  if (system) {
    body.append(h('div', { class: 'content' }, name, ' ', SYSTEM_TEXTS.get(message.type) ?? markdown(message.content || `did something that this page does not show (message type ${message.type}).`, { inline: true }), ' ', timeElement(message.timestamp, null, 'when')));
  } else {
    if (start) body.append(h('div', { class: 'head' }, name, tag(author), timeElement(message.timestamp, null, 'when')));
    if (state.editing === message.id) body.append(editBox(message));
    else body.append(...contentNodes(message));
  }

  return h('li', { class: classes.join(' '), id: `m-${message.id}`, tabindex: '-1', 'data-message': message.id, onkeydown: (event) => messageKeys(event, message) },
    message.id === state.newFrom && h('div', { class: 'day fresh', role: 'separator' }, h('span', {}, 'New')),
    newDay(message, before) && h('div', { class: 'day', role: 'separator' }, h('span', {}, DAY.format(new Date(message.timestamp)))),
    quotedLine(message),
    h('div', { class: 'row' },
      h('div', { class: 'gutter' }, system ? h('span', { class: 'arrow', 'aria-hidden': 'true' }, '→') : start ? avatar(author) : timeElement(message.timestamp, CLOCK.format(new Date(message.timestamp)), 'when')),
      body),
    toolsFor(message, system));
}

/** A request of the bot that was refused, in the place where its effect would have been. */
function refusalNode(message) {
  const { method, path, status, body, times } = message.refusal;
  return h('li', { class: 'message refusal start', id: `m-${message.id}`, tabindex: '-1', 'data-message': message.id, onkeydown: (event) => messageKeys(event, message) },
    h('div', { class: 'row' }, h('div', { class: 'gutter' }, icon('warning')), h('div', { class: 'body' },
      h('div', {}, h('b', {}, userName(state.bot)), ' made a request that was refused', times > 1 ? ` (${times} times)` : '', ' ', timeElement(message.timestamp, null, 'when')),
      h('div', { class: 'refusal-head' }, h('span', { class: 'status bad' }, String(status)), h('code', {}, `${method} ${path.replace(/^\/api\/v\d+/, '')}`)),
      h('div', {}, body?.message ?? 'without a reason', body?.code ? h('small', {}, ` (code ${body.code})`) : null),
      h('ul', {}, errorLines(body?.errors).slice(0, 10).map(({ place, text }) => h('li', {}, place && h('code', {}, place), place && ' ', text))),
      h('div', { class: 'hidden-note' }, icon('eye'), 'Shown by the sandbox only · ', h('button', { type: 'button', class: 'plain', onclick: () => openTraffic(path) }, 'Show in the traffic'), ' · ',
        h('button', { type: 'button', class: 'plain', onclick: () => dismiss(message) }, 'Dismiss')))));
}

/** The line above a message: what it replies to, or whose command it answers. */
function quotedLine(message) {
  const used = usedCommand(message);
  if (used && (message.type === 20 || message.type === 23)) {
    const user = used.user ?? {};
    const command = commandName(message);
    return h('div', { class: 'quoted' }, avatar(user, 'tiny'), h('b', {}, userName(user)), ' used ',
      command ? h('span', { class: 'command' }, message.type === 20 ? `/${command}` : command) : h('span', { class: 'command' }, 'a command'));
  }
  if (message.type !== 19 && !message.message_reference) return null;
  const original = message.referenced_message ?? listNow().find((each) => each.id === message.message_reference?.message_id);
  if (!original && message.type !== 19) return null;
  if (!original) return h('div', { class: 'quoted' }, h('i', {}, 'Original message was deleted'));
  const line = original.content ? markdown(original.content.split('\n')[0].slice(0, 300), { inline: true })
    : h('i', {}, original.embeds?.length ? (original.embeds[0].title ?? 'Embed') : 'Message without text');
  return h('div', { class: 'quoted' }, avatar(original.author, 'tiny'), h('b', {}, userName(original.author)), tag(original.author), ' ',
    h('button', { type: 'button', class: 'jump', 'aria-label': 'Go to the message', onclick: () => flash(original.id) }), h('span', { class: 'line' }, line));
}

function contentNodes(message) {
  const nodes = [];
  const edited = message.edited_timestamp && h('time', { class: 'edited', datetime: message.edited_timestamp, title: EXACT.format(new Date(message.edited_timestamp)) }, '(edited)');
  if (isLoading(message)) {
    nodes.push(h('div', { class: 'content thinking' }, h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')), `${userName(message.author)} is thinking…`));
  } else if (message.content) {
    const text = h('div', { class: 'content' }, message.failed ? message.content : markdown(message.content));
    if (edited) (text.lastElementChild?.matches('.text') ? text.lastElementChild : text).append(' ', edited);
    nodes.push(text);
  }
  for (const attachment of message.attachments ?? []) nodes.push(attachmentNode(attachment));
  for (const embed of message.embeds ?? []) nodes.push(embedNode(embed));
  for (const sticker of message.sticker_items ?? []) nodes.push(h('div', { class: 'file' }, icon('image'), `Sticker: ${sticker.name}`));
  if (message.poll) nodes.push(h('div', { class: 'file' }, `Poll: ${message.poll.question?.text ?? ''}`));
  if (message.components?.length) nodes.push(h('div', { class: 'components' }, message.components.map((component) => componentNode(message, component))));
  if (message.reactions?.length) {
    nodes.push(h('div', { class: 'reactions', role: 'group', 'aria-label': 'Reactions' }, message.reactions.map((reaction) => reactionNode(message, reaction))));
  }
  if (edited && !message.content && !isLoading(message)) nodes.push(h('div', {}, edited));
  if (!nodes.length) nodes.push(h('div', { class: 'content empty' }, 'Empty message'));
  if (isHidden(message)) {
    nodes.push(h('div', { class: 'hidden-note' }, icon('eye'), 'Only you can see this · ',
      h('button', { type: 'button', class: 'plain', onclick: () => dismiss(message) }, 'Dismiss')));
  }
  nodes.push(h('div', { class: 'failure', hidden: true }));
  return nodes;
}

function reactionNode(message, reaction) {
  const own = Boolean(reaction.users?.includes(state.me?.id));
  const name = reaction.emoji?.id ? `:${reaction.emoji.name}:` : reaction.emoji?.name;
  const who = (reaction.users ?? []).map((id) => userName(findUser(id))).join(', ');
  return h('button', { type: 'button', class: `reaction ${own ? 'own' : ''}`, 'aria-pressed': String(own), title: who, 'aria-label': `${name}, ${reaction.count}, by ${who}`, onclick: () => react(message, reaction.emoji, own) },
    h('span', { class: 'emoji', 'aria-hidden': 'true' }, name), ' ', String(reaction.count ?? 1));
}
const react = (message, emoji, remove = false) => api('POST', '/page/reactions', { as: state.me.id, channel_id: message.channel_id, message_id: message.id, emoji, remove }).catch((error) => complain(error.message));

const EMOJI = ['👍', '👎', '❤️', '😂', '🎉', '😮', '😢', '🔥', '👀', '✅', '❌', '🙏'];
function openReactions(anchor, message) {
  openMenu(anchor, 'Add a reaction', EMOJI.map((emoji) => ({ label: emoji, run: () => react(message, emoji) })), 'grid');
}

/** The bot's commands for a message, from its menu. */
const appsFor = (message) => menuCommands(3).map((command) => ({ label: command.name, run: () => useMenu(command, message.id) }));

/** What can be done with a message, shown on hover and when the message or one of these has the focus. */
function toolsFor(message, system) {
  if (isHidden(message) || system) return null;
  const own = isOwn(message);
  return h('div', { class: 'tools', role: 'group', 'aria-label': 'Message actions' },
    iconButton('smile', 'Add a reaction', (event) => openReactions(event.currentTarget, message)),
    iconButton('reply', 'Reply', () => startReply(message)),
    own && iconButton('edit', 'Edit', () => startEdit(message)),
    menuCommands(3).length > 0 && iconButton('apps', 'Apps', (event) => openMenu(event.currentTarget, 'Apps', appsFor(message))),
    message.content && iconButton('copy', 'Copy text', () => navigator.clipboard?.writeText(message.content)),
    own && iconButton('delete', 'Delete', (event) => askDelete(message, event.shiftKey)));
}

function messageKeys(event, message) {
  if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
  const neighbour = { ArrowUp: 'previousElementSibling', ArrowDown: 'nextElementSibling' }[event.key];
  if (neighbour) focusMessage(event.currentTarget[neighbour] ?? (event.key === 'ArrowDown' ? $('text') : null));
  else if (event.key === 'r' && !isHidden(message) && !message.refusal) startReply(message);
  else if (event.key === 'e' && isOwn(message)) startEdit(message);
  else if (event.key === '+' && !isHidden(message)) openReactions(event.currentTarget.querySelector('.tools button') ?? event.currentTarget, message);
  else if (event.key === 'Delete' && isOwn(message)) askDelete(message, event.shiftKey);
  else if (event.key === 'Escape') $('text').focus();
  else return;
  event.preventDefault();
}
/** The one message that Tab reaches; the arrow keys go on from there. */
export let roving = null;
export const rove = (node) => {
  if (roving) roving.tabIndex = -1;
  roving = node;
  if (roving) roving.tabIndex = 0;
};
export const focusMessage = (node) => {
  if (!node) return;
  if (node.matches('.message')) rove(node);
  node.focus();
  node.scrollIntoView({ block: 'nearest' });
};
const flash = (id) => {
  const node = $(`m-${id}`);
  if (!node) return;
  node.scrollIntoView({ block: 'center', behavior: 'smooth' });
  focusMessage(node);
  node.classList.remove('flash');
  requestAnimationFrame(() => node.classList.add('flash'));
};

function editBox(message) {
  const box = h('textarea', { class: 'edit', 'aria-label': 'Edit message', rows: '1', oninput: () => fit(box) });
  box.value = message.content;
  const close = () => { state.editing = null; drawMessage(message.id); $('text').focus(); };
  const save = async () => {
    const content = box.value.trim();
    if (!content) { close(); askDelete(message); return; }
    if (content !== message.content) {
      try { receive('message_update', await api('PATCH', `/page/messages/${message.channel_id}/${message.id}`, { as: state.me.id, content })); }
      catch (error) { complain(error.message); return; }
    }
    close();
  };
  box.addEventListener('keydown', (event) => {
    event.stopPropagation();
    if (event.key === 'Escape') close();
    else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); save(); }
  });
  requestAnimationFrame(() => { fit(box); box.focus(); box.setSelectionRange(box.value.length, box.value.length); });
  return h('div', { class: 'editing' }, box, h('small', {}, 'Escape to ', h('button', { type: 'button', class: 'plain', onclick: close }, 'cancel'), ' · Enter to ', h('button', { type: 'button', class: 'plain', onclick: save }, 'save')));
}
export const startEdit = (message) => {
  const before = state.editing;
  state.editing = message.id;
  if (before) drawMessage(before);
  drawMessage(message.id);
};
const startReply = (message) => {
  const before = state.replyTo;
  state.replyTo = message.id;
  if (before) drawMessage(before);
  drawMessage(message.id);
  drawAnswering();
  $('text').focus();
};
/** What nobody else sees is just gone; the sandbox is told, so that it stays away. Failed commands exist only on this page. */
const dismiss = (message) => {
  removeMessage(message.channel_id, message.id);
  if (!message.failed) api('DELETE', `/page/messages/${message.channel_id}/${message.id}?as=${encodeURIComponent(state.me.id)}`).catch((error) => complain(error.message));
};
const askDelete = async (message, sure = false) => {
  if (!sure && !await confirmDialog('Delete this message?', message.content.slice(0, 300), 'Delete')) return;
  try {
    await api('DELETE', `/page/messages/${message.channel_id}/${message.id}?as=${encodeURIComponent(state.me.id)}`);
    removeMessage(message.channel_id, message.id);
  } catch (error) { complain(error.message); }
};
