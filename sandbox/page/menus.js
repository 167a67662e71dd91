// Menus and small forms that several places share: of a person, of a channel, for forwarding and for threads.

import { h, openDialog, openMenu, pointOf } from './dom.js';
import { channelName, findChannel, isArchived, memberOf, state, TEXT_CHANNELS, THREADS, userName } from './state.js';
import { may } from './permissions.js';
import { actAs, openBeside, openCard } from './people.js';
import { openChannel, openDirect } from './places.js';
import { insertMention } from './composer.js';
import { menuCommands, useMenu } from './interaction.js';
import { openMember, openNewChannel, openSettings, tryChange } from './settings.js';
import { markRead } from './unread.js';
import { api } from './server.js';

/** What can be done with a person; by the pointer's second button, or from their card. */
export function personMenu(event, user, anchor = null) {
  event.preventDefault();
  event.stopPropagation();
  const isBot = user.id === state.bot?.id;
  const other = user.id !== state.me?.id;
  const here = memberOf(user.id);
  const place = anchor ?? pointOf(event);
  openMenu(place, userName(user), [
    { label: 'Profile', icon: 'people', run: () => openCard(place, user) },
    { label: 'Mention', icon: 'reply', run: () => insertMention(user) },
    isBot && { label: 'Message', icon: 'mark', run: openDirect },
    ...menuCommands(2).map((command) => ({ label: `Apps: ${command.name}`, icon: 'apps', run: () => useMenu(command, user.id) })),
    !user.bot && other && { label: `Act as ${userName(user)}`, icon: 'join', run: () => actAs(user.id) },
    !user.bot && other && self === top && { label: 'Open beside', icon: 'beside', run: () => openBeside(user) },
    here && { label: 'Nickname, roles, time-out', icon: 'gear', run: () => openMember(user) },
    here && other && may('KickMembers') && { label: `Kick ${userName(user)}`, icon: 'close', kind: 'danger', run: () => tryChange({ change: 'kick', id: user.id }) },
    here && other && may('BanMembers') && { label: `Ban ${userName(user)}`, icon: 'delete', kind: 'danger', run: () => tryChange({ change: 'ban', id: user.id }) },
    { label: 'Copy user ID', icon: 'copy', run: () => navigator.clipboard?.writeText(user.id) },
  ]);
}

export function channelMenu(event, channel) {
  event.preventDefault();
  const thread = THREADS.has(channel.type);
  const moderates = thread && may('ManageThreads', channel.id);
  const locked = Boolean(channel.thread_metadata?.locked);
  const to = (shape) => tryChange({ change: 'thread', id: channel.id, ...shape });
  openMenu(pointOf(event), channelName(channel), [
    TEXT_CHANNELS.has(channel.type) && { label: 'Mark as read', icon: 'check', run: () => { state.unread.delete(channel.id); markRead(channel.id); dispatchEvent(new Event('places')); } },
    channel.type === 4 && may('ManageChannels') && { label: 'Create channel here', icon: 'plus', run: () => openNewChannel(channel.id) },
    !thread && channel.guild_id && (may('ManageChannels', channel.id) || may('ManageRoles', channel.id)) && { label: 'Edit channel', icon: 'gear', run: () => openSettings('channels', { channel: channel.id }) },
    channel.guild_id && may(thread ? 'ManageThreads' : 'ManageChannels', channel.id) && { label: thread ? 'Delete thread' : 'Delete channel', icon: 'delete', kind: 'danger', run: () => tryChange({ change: 'delete_channel', id: channel.id }) },
    thread && (moderates || (channel.owner_id === state.me?.id && !locked)) && (isArchived(channel) ? { label: 'Reopen thread', icon: 'thread', run: () => to({ archived: false }) } : { label: 'Close thread', icon: 'close', run: () => to({ archived: true }) }),
    moderates && { label: locked ? 'Unlock thread' : 'Lock thread', icon: 'lock', run: () => to({ locked: !locked }) },
    { label: 'Copy channel ID', icon: 'copy', run: () => navigator.clipboard?.writeText(channel.id) },
  ]);
}

/** Chooses where a message goes on to. */
export function openForward(message) {
  const places = [...state.guilds.flatMap((guild) => (guild.channels ?? []).filter((channel) => TEXT_CHANNELS.has(channel.type) && !isArchived(channel)).map((channel) => [channel, `#${channelName(channel)} · ${guild.name}`])), ...state.dms.map((channel) => [channel, `@${channelName(channel)}`])]
    .filter(([channel]) => channel.type === 1 || may('SendMessages', channel.id));
  const select = h('select', { id: 'forward-to' }, places.map(([channel, label]) => h('option', { value: channel.id, selected: channel.id === state.channel }, label)));
  const note = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const dialog = openDialog('Forward to', [h('p', { class: 'excerpt' }, message.content?.slice(0, 300) || 'A message without text'), h('div', { class: 'modal-field' }, h('label', { for: 'forward-to' }, 'Where'), select), note],
    [h('button', { type: 'button', class: 'button text', onclick: () => dialog.close() }, 'Cancel'), h('button', { type: 'submit', class: 'button primary' }, 'Send')]);
  dialog.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      await api('POST', '/page/forward', { as: state.me.id, channel_id: message.channel_id, message_id: message.id, to: select.value });
      dialog.close();
      openChannel(select.value);
    } catch (error) { note.hidden = false; note.textContent = error.message; }
  });
  select.focus();
}

/** Begins a thread: with a message, or by itself. */
export function openThreadForm(message = null, place = state.channel) {
  const name = h('input', { type: 'text', id: 'thread-name', required: true, maxlength: '100', autocomplete: 'off', placeholder: 'New thread' });
  name.value = message?.content?.split('\n')[0].slice(0, 40) ?? '';
  const hidden = h('input', { type: 'checkbox' });
  const note = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const channelId = message?.channel_id ?? place;
  const dialog = openDialog('Create a thread', [h('div', { class: 'modal-field' }, h('label', { for: 'thread-name' }, 'Thread name'), name),
    !message && may('CreatePrivateThreads', channelId) && h('label', { class: 'tick' }, hidden, 'Private: only those who are mentioned in it see it'), note],
  [h('button', { type: 'button', class: 'button text', onclick: () => dialog.close() }, 'Cancel'), h('button', { type: 'submit', class: 'button primary' }, 'Create')]);
  dialog.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      const made = await api('POST', '/page/threads', { as: state.me.id, channel_id: channelId, message_id: message?.id, name: name.value, private: hidden.checked });
      dialog.close();
      if (findChannel(made.id)) openChannel(made.id); else addEventListener('places', () => openChannel(made.id), { once: true });
    } catch (error) { note.hidden = false; note.textContent = error.message; }
  });
  name.focus();
}
