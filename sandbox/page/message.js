// One message as an element: its head, quoted line, text, hidden-note and what can be done with it.

import { $, confirmDialog, h, icon, iconButton, openMenu, pointOf } from './dom.js';
import { channelName, commandName, findChannel, findUser, isHidden, isLoading, isOwn, listNow, memberColour, mentionsMe, state, usedCommand, userName } from './state.js';
import { CLOCK, DAY, EXACT, timeElement } from './time.js';
import { customEmoji, markdown } from './markdown.js';
import { attachmentNodes, embedNodes } from './embed.js';
import { pollNode } from './poll.js';
import { encodeEmoji, isOnlyEmoji, pickEmoji } from './emoji.js';
import { pin, showPins } from './results.js';
import { may } from './permissions.js';
import { openForward, openThreadForm, personMenu } from './menus.js';
import { openTraffic } from './traffic.js';
import { errorLines } from './json.js';
import { componentNode } from './component.js';
import { menuCommands, useMenu } from './interaction.js';
import { drawMessage, jumpTo, removeMessage } from './timeline.js';
import { openChannel } from './places.js';
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

/** What the messages that nobody wrote say, after the name of who did it. */
const plainButton = (label, run) => h('button', { type: 'button', class: 'plain', onclick: run }, label);
const SYSTEM_TEXTS = {
  1: () => ['added someone to the group.'], 2: () => ['removed someone from the group.'],
  6: (message) => ['pinned ', plainButton('a message', () => jumpTo(message.channel_id, message.message_reference?.message_id)), ' to this channel. See all ', plainButton('pinned messages', showPins), '.'],
  7: () => ['joined the server. Welcome!'], 8: () => ['boosted the server.'],
  18: (message) => ['started a thread: ', plainButton(message.content || 'thread', () => openChannel(findChannel(message.message_reference?.channel_id)?.id ?? '')), '.'],
  21: () => ['started this thread with a message.'],
  46: (message) => {
    const field = (name) => message.embeds?.[0]?.fields?.find((each) => each.name === name)?.value;
    return [`’s poll `, h('b', {}, field('poll_question_text') ?? ''), ' has closed', field('victor_answer_text') ? [': ', h('b', {}, field('victor_answer_text')), ' won.'] : '.'];
  },
};
const SYSTEM_ICONS = { 6: 'pin', 7: 'join', 18: 'thread', 21: 'thread' };

const systemIcon = (message) => { const node = icon(SYSTEM_ICONS[message.type] ?? 'join'); if (message.type === 7) node.classList.add('joined-icon'); return node; };

/** One message of the list as an element; `before` decides whether it continues a group. */
export function messageNode(message, before) {
  if (message.refusal) return refusalNode(message);
  const author = message.author ?? { id: '0', username: 'unknown' };
  const system = ![0, 19, 20, 23].includes(message.type);
  const start = startsGroup(message, before);
  const classes = ['message', start && 'start', message.failed && 'failed', system && 'system', mentionsMe(message) && 'mentioned', isHidden(message) && 'ephemeral',
    state.replyTo === message.id && 'answered'].filter(Boolean);
  const name = h('button', { type: 'button', class: 'author', tabindex: '-1', style: memberColour(author.id) ? { '--role': memberColour(author.id) } : {}, onclick: (event) => openCard(event.currentTarget, author), oncontextmenu: (event) => personMenu(event, author) }, message.webhook_id ? author.global_name ?? author.username : userName(author));

  const body = h('div', { class: 'body' });
  if (system) {
    body.append(h('div', { class: 'content' }, name, message.type === 46 ? '' : ' ', SYSTEM_TEXTS[message.type]?.(message) ?? markdown(message.content || `did something that this page does not show (message type ${message.type}).`, { inline: true }), ' ', timeElement(message.timestamp, null, 'when')));
  } else {
    if (start) body.append(h('div', { class: 'head' }, name, tag(author), timeElement(message.timestamp, null, 'when')));
    if (state.editing === message.id) body.append(editBox(message));
    else body.append(...contentNodes(message));
  }

  // What can be done with it is made when somebody comes near: most messages are only read.
  const near = (event) => addTools(event.currentTarget);
  const node = h('li', { class: classes.join(' '), id: `m-${message.id}`, tabindex: '-1', onpointerenter: near, onfocusin: near, 'data-message': message.id, onkeydown: (event) => messageKeys(event, message), oncontextmenu: (event) => contextMenu(event, message, system) },
    message.id === state.newFrom && h('div', { class: 'day fresh', role: 'separator' }, h('span', {}, 'New')),
    newDay(message, before) && h('div', { class: 'day', role: 'separator' }, h('span', {}, DAY.format(new Date(message.timestamp)))),
    quotedLine(message),
    h('div', { class: 'row' },
      h('div', { class: 'gutter' }, system ? h('span', { 'aria-hidden': 'true' }, systemIcon(message)) : start ? withMenu(avatar(author), author) : timeElement(message.timestamp, CLOCK.format(new Date(message.timestamp)), 'when')),
      body));
  tools.set(node, () => toolsFor(message, system));
  return node;
}
/** Message's element -> what makes its tools, while it has none. */
const tools = new WeakMap();
export function addTools(node) {
  const make = tools.get(node);
  tools.delete(node);
  const made = make?.();
  if (made) node.append(made);
}

const withMenu = (node, user) => { node.addEventListener('contextmenu', (event) => personMenu(event, user)); node.addEventListener('click', () => openCard(node, user)); return node; };

/** The same without what can be done with it: for pins and search results. */
export const messageView = (message) => h('div', { class: 'message start' }, quotedLine(message), h('div', { class: 'row' }, h('div', { class: 'gutter' }, avatar(message.author)),
  h('div', { class: 'body' }, h('div', { class: 'head' }, h('span', { class: 'author', style: memberColour(message.author.id) ? { '--role': memberColour(message.author.id) } : {} }, userName(message.author)), tag(message.author), timeElement(message.timestamp, null, 'when')), contentNodes(message))));

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
  if (message.type !== 19) return null;
  const original = message.referenced_message ?? listNow().find((each) => each.id === message.message_reference?.message_id);
  if (!original && message.type !== 19) return null;
  if (!original) return h('div', { class: 'quoted' }, h('i', {}, 'Original message was deleted'));
  const line = original.content ? markdown(original.content.split('\n')[0].slice(0, 300), { inline: true })
    : h('i', {}, original.attachments?.length ? 'Click to see attachment' : original.poll ? 'Poll' : original.embeds?.length ? (original.embeds[0].title ?? 'Embed') : 'Click to see the message');
  return h('div', { class: 'quoted' }, avatar(original.author, 'tiny'), tag(original.author), h('b', { style: memberColour(original.author?.id) ? { '--role': memberColour(original.author.id) } : {} }, `${message.mentions?.some((user) => user.id === original.author?.id) ? '@' : ''}${userName(original.author)}`), ' ',
    h('button', { type: 'button', class: 'jump', 'aria-label': 'Go to the message', onclick: () => jumpTo(original.channel_id ?? message.channel_id, original.id) }), h('span', { class: 'line' }, line));
}

const SUPPRESS_EMBEDS = 1 << 2;
const COMPONENTS_V2 = 1 << 15;
/** What another message said when it was forwarded. */
function forwardedNode(message, snapshot) {
  const from = findChannel(message.message_reference?.channel_id);
  return h('div', { class: 'forwarded' }, h('small', {}, icon('forward'), 'Forwarded'), contentNodes({ ...snapshot, reactions: null, flags: (snapshot.flags ?? 0) & ~64, mentions: snapshot.mentions ?? [] }).filter((node) => !node.matches('.failure')),
    from && h('button', { type: 'button', class: 'plain', onclick: () => jumpTo(from.id, message.message_reference.message_id) }, h('small', {}, `#${channelName(from)} · `, timeElement(snapshot.timestamp))));
}

function contentNodes(message) {
  const nodes = [];
  const edited = message.edited_timestamp && h('time', { class: 'edited', datetime: message.edited_timestamp, title: EXACT.format(new Date(message.edited_timestamp)) }, '(edited)');
  if (isLoading(message)) {
    nodes.push(h('div', { class: 'content thinking' }, h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')), `${userName(message.author)} is thinking…`));
  } else if (message.content) {
    const text = h('div', { class: `content ${isOnlyEmoji(message.content) ? 'huge' : ''}` }, message.failed ? message.content : markdown(message.content));
    if (edited) (text.lastElementChild?.matches('.text') ? text.lastElementChild : text).append(' ', edited);
    nodes.push(text);
  }
  // What embeds and components show is not shown a second time.
  const used = JSON.stringify([message.embeds ?? [], message.components ?? []]);
  nodes.push(...attachmentNodes((message.attachments ?? []).filter((each) => !used.includes(JSON.stringify(each.url)))));
  if (!((message.flags ?? 0) & SUPPRESS_EMBEDS)) nodes.push(...embedNodes(message.embeds ?? []));
  for (const sticker of message.sticker_items ?? []) nodes.push(h('div', { class: 'sticker', role: 'img', 'aria-label': `Sticker: ${sticker.name}` }, icon('sticker'), sticker.name));
  if (message.poll) nodes.push(pollNode(message));
  for (const { message: snapshot } of message.message_snapshots ?? []) nodes.push(forwardedNode(message, snapshot));
  if (message.components?.length) nodes.push(h('div', { class: `components ${(message.flags ?? 0) & COMPONENTS_V2 ? 'v2' : ''}` }, message.components.map((component) => componentNode(message, component))));
  const thread = message.thread && (findChannel(message.thread.id) ?? message.thread);
  if (thread) nodes.push(h('button', { type: 'button', class: 'thread-card', onclick: () => openChannel(thread.id) }, icon('thread'), h('span', {}, h('b', {}, channelName(thread)), h('small', {}, ` ${thread.message_count ?? 0} message${thread.message_count === 1 ? '' : 's'} ›`))));
  if (message.reactions?.length) {
    nodes.push(h('div', { class: 'reactions', role: 'group', 'aria-label': 'Reactions' }, message.reactions.map((reaction) => reactionNode(message, reaction)),
      h('button', { type: 'button', class: 'reaction add', 'aria-label': 'Add a reaction', onclick: (event) => openReactions(event.currentTarget, message) }, icon('smile'))));
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
    h('span', { class: 'emoji', 'aria-hidden': 'true' }, reaction.emoji?.id ? customEmoji(reaction.emoji) : name), ' ', String(reaction.count ?? 1));
}
const react = (message, emoji, remove = false) => api('POST', '/page/reactions', { as: state.me.id, channel_id: message.channel_id, message_id: message.id, emoji, remove }).catch((error) => complain(error.message));

const QUICK = ['👍', '❤️', '😂'];
function openReactions(anchor, message) {
  pickEmoji(anchor, (emoji) => react(message, emoji));
}

/** The bot's commands for a message, from its menu. */
const appsFor = (message) => menuCommands(3).map((command) => ({ label: command.name, run: () => useMenu(command, message.id) }));

const mayDelete = (message) => isOwn(message) || (message.guild_id && may('ManageMessages', message.channel_id));
const mayPin = (message) => !message.guild_id || may('PinMessages', message.channel_id);
const mayThread = (message) => message.guild_id && !message.thread && [0, 5].includes(findChannel(message.channel_id)?.type) && may('CreatePublicThreads', message.channel_id);
const copy = (text) => navigator.clipboard?.writeText(text);

/** Everything that can be done with a message, for its menu. */
function entriesFor(message, anchor) {
  const address = () => { const url = new URL(location.href); url.searchParams.set('channel', message.channel_id); url.searchParams.set('message', message.id); return url.href; };
  if (isHidden(message) || message.failed) return [message.content && { label: 'Copy text', icon: 'copy', run: () => copy(message.content) }, { label: 'Dismiss message', icon: 'close', run: () => dismiss(message) }];
  return [
    { label: 'Add a reaction', icon: 'smile', run: () => openReactions(anchor, message) },
    isOwn(message) && { label: 'Edit message', icon: 'edit', run: () => startEdit(message) },
    { label: 'Reply', icon: 'reply', run: () => startReply(message) },
    { label: 'Forward', icon: 'forward', run: () => openForward(message) },
    mayThread(message) && { label: 'Create thread', icon: 'thread', run: () => openThreadForm(message) },
    ...menuCommands(3).map((command) => ({ label: `Apps: ${command.name}`, icon: 'apps', run: () => useMenu(command, message.id) })),
    mayPin(message) && { label: message.pinned ? 'Unpin message' : 'Pin message', icon: 'pin', run: () => pin(message, message.pinned) },
    message.content && { label: 'Copy text', icon: 'copy', run: () => copy(message.content) },
    { label: 'Copy message link', icon: 'out', run: () => copy(address()) },
    { label: 'Copy message ID', icon: 'copy', run: () => copy(message.id) },
    mayDelete(message) && { label: 'Delete message', icon: 'delete', kind: 'danger', run: () => askDelete(message) },
  ];
}
function contextMenu(event, message, system) {
  // Where there is a text or a link to be had, the browser's own menu has it.
  if (event.target.closest('a, input, textarea') || !getSelection().isCollapsed || event.defaultPrevented) return;
  event.preventDefault();
  openMenu(pointOf(event), 'Message', system ? [mayDelete(message) && { label: 'Delete message', icon: 'delete', kind: 'danger', run: () => askDelete(message) }, { label: 'Copy message ID', icon: 'copy', run: () => copy(message.id) }] : entriesFor(message, event.currentTarget));
}

/** What can be done with a message, shown on hover and when the message or one of these has the focus. */
function toolsFor(message, system) {
  if (isHidden(message) || system) return null;
  const own = isOwn(message);
  return h('div', { class: 'tools', role: 'group', 'aria-label': 'Message actions' },
    QUICK.map((emoji) => h('button', { type: 'button', class: 'tool quick', tabindex: '-1', 'aria-label': `React with ${emoji}`, title: 'React', onclick: () => react(message, emoji, Boolean(message.reactions?.find((each) => each.emoji?.name === emoji)?.users?.includes(state.me?.id))) }, emoji)),
    iconButton('smile', 'Add a reaction', (event) => openReactions(event.currentTarget, message)),
    iconButton('reply', 'Reply', () => startReply(message)),
    own ? iconButton('edit', 'Edit', () => startEdit(message)) : iconButton('forward', 'Forward', () => openForward(message)),
    menuCommands(3).length > 0 && iconButton('apps', 'Apps', (event) => openMenu(event.currentTarget, 'Apps', appsFor(message))),
    iconButton('more', 'More', (event) => openMenu(event.currentTarget, 'Message', entriesFor(message, event.currentTarget))),
    own && iconButton('delete', 'Delete', (event) => askDelete(message, event.shiftKey)));
}

function messageKeys(event, message) {
  if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
  const neighbour = { ArrowUp: 'previousElementSibling', ArrowDown: 'nextElementSibling' }[event.key];
  if (neighbour) focusMessage(event.currentTarget[neighbour] ?? (event.key === 'ArrowDown' ? $('text') : null));
  else if (event.key === 'r' && !isHidden(message) && !message.refusal) startReply(message);
  else if (event.key === 'e' && isOwn(message)) startEdit(message);
  else if (event.key === '+' && !isHidden(message)) openReactions(event.currentTarget, message);
  else if (event.key === 'p' && mayPin(message) && !isHidden(message)) pin(message, message.pinned);
  else if (event.key === 'Delete' && mayDelete(message)) askDelete(message, event.shiftKey);
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
function editBox(message) {
  const box = h('textarea', { class: 'edit', 'aria-label': 'Edit message', rows: '1', oninput: () => fit(box) });
  box.value = message.content;
  const close = () => { state.editing = null; drawMessage(message.id); $('text').focus(); };
  const save = async () => {
    const content = encodeEmoji(box.value.trim());
    if (!content && !message.attachments?.length) { close(); askDelete(message); return; }
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
  if (!sure && !await confirmDialog('Delete this message?', message.content?.slice(0, 300) || 'It goes for everybody.', 'Delete')) return;
  try {
    await api('DELETE', `/page/messages/${message.channel_id}/${message.id}?as=${encodeURIComponent(state.me.id)}`);
    removeMessage(message.channel_id, message.id);
  } catch (error) { complain(error.message); }
};
