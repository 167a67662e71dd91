// Where one is: servers, channels, direct messages and the bar above the messages.

import { $, arrowKeys, h, icon, iconButton, keepFocus, openMenu } from './dom.js';
import { botName, byId, channelName, findChannel, findUser, FORUMS, canOpen, guildNow, guildOfChannel, isArchived, isPost, state, TEXT_CHANNELS, THREADS, userName } from './state.js';
import { markdown } from './markdown.js';
import { loadRoom } from './timeline.js';
import { avatar, tag } from './people.js';
import { complain } from './composer.js';
import { closeSlash } from './slash.js';
import { wanted } from './live.js';
import { api } from './server.js';
import { closeDrawers, drawAll } from './app.js';
import { may } from './permissions.js';
import { openNewChannel, openNewGuild, openSettings } from './settings.js';
import { channelMenu } from './menus.js';
import { closeResults } from './results.js';
import { markRead } from './unread.js';
import { drawStaged } from './files.js';
import { parentLink } from './forum.js';
import { drawThreadNote } from './threads.js';

export function openGuild(id) {
  const channels = id ? state.guilds.find((guild) => guild.id === id)?.channels ?? [] : state.dms;
  const remembered = channels.find((channel) => channel.id === lastChannel.get(id));
  const first = remembered ?? sortChannels(channels).find((channel) => TEXT_CHANNELS.has(channel.type) && !THREADS.has(channel.type));
  state.guild = id;
  if (first) openChannel(first.id);
  else if (!id) openDirect();
  else { state.channel = null; drawAll(); }
}
const lastChannel = new Map();

export async function openDirect() {
  if (!state.dms.length) {
    try {
      const channel = await api('POST', '/page/dm', { as: state.me.id });
      if (!state.dms.some((each) => each.id === channel.id)) state.dms.push(channel);
    } catch (error) { complain(error.message); return; }
  }
  openChannel(state.dms[0].id);
}

export function openChannel(id) {
  const channel = findChannel(id);
  if (!channel || !canOpen(channel)) return;
  if (state.channel) state.drafts.set(state.channel, $('text').value);
  if (state.channel !== id) { closeResults(false); state.replyTo = null; state.editing = null; closeSlash(false); complain(''); }
  state.guild = guildOfChannel(id)?.id ?? null;
  state.channel = id;
  wanted.place = channel.name;
  lastChannel.set(state.guild, id);
  state.newFrom = state.unread.get(id)?.first ?? null;
  state.unread.delete(id);
  markRead(id);
  $('text').value = state.drafts.get(id) ?? '';
  drawAll();
  drawStaged();
  closeDrawers();
  rememberPlace();
  if (FORUMS.has(channel.type)) return;
  if (!matchMedia('(pointer: coarse)').matches) $('text').focus();
  loadRoom(id);
}

export const rememberPlace = () => {
  const url = new URL(location.href);
  if (state.me) url.searchParams.set('as', state.me.id);
  if (state.channel) url.searchParams.set('channel', state.channel);
  url.searchParams.delete('message');
  history.replaceState(null, '', url);
};

arrowKeys($('servers'), 'guild');
arrowKeys($('channels'), 'channel');
arrowKeys($('members'), 'user');

/** Threads in the archive, and posts that one is not in, are listed while they are open. */
const isListed = (thread) => thread.id === state.channel || (!isArchived(thread) && (!isPost(thread) || Boolean(thread.member)));

/** What is unread in a channel; of a forum, in the posts that are not listed below it. */
const seenIn = (channel, channels) => {
  if (!FORUMS.has(channel.type)) return state.unread.get(channel.id);
  const posts = guildNow().channels.filter((each) => each.parent_id === channel.id && !channels.includes(each)).map((each) => state.unread.get(each.id)).filter(Boolean);
  return posts.length ? posts.reduce((sum, each) => ({ count: sum.count + each.count, mentions: sum.mentions + each.mentions }), { count: 0, mentions: 0 }) : undefined;
};

const sortChannels = (channels) => {
  const order = (a, b) => (a.position ?? 0) - (b.position ?? 0) || byId(a, b);
  const categories = channels.filter((channel) => channel.type === 4).sort(order);
  const under = (parent) => channels.filter((channel) => channel.type !== 4 && !THREADS.has(channel.type) && (categories.some((each) => each.id === channel.parent_id) ? channel.parent_id : null) === parent)
    .sort(order).flatMap((channel) => [channel, ...channels.filter((each) => THREADS.has(each.type) && each.parent_id === channel.id && isListed(each))]);
  return [...under(null), ...categories.flatMap((category) => [category, ...under(category.id)])];
};

const foldedNow = () => { try { return new Set(JSON.parse(localStorage.getItem('folded') ?? '[]')); } catch { return new Set(); } };
const isFolded = (id) => foldedNow().has(id);
const fold = (id) => {
  const all = foldedNow();
  if (!all.delete(id)) all.add(id);
  localStorage.setItem('folded', JSON.stringify([...all].slice(-100)));
};

const faceOf = (channel) => {
  const everyone = channel.permission_overwrites?.find((each) => each.id === channel.guild_id);
  const hidden = everyone && (BigInt(everyone.deny) & 1024n) !== 0n;
  return icon(channel.type === 2 || channel.type === 13 ? 'voice' : THREADS.has(channel.type) ? 'thread' : FORUMS.has(channel.type) ? 'forum' : channel.type === 5 ? 'news' : hidden ? 'lock' : 'hash');
};
/** By the pointer, or by keys: see order.js. */
const movable = () => (may('ManageChannels') ? { draggable: 'true', 'aria-keyshortcuts': 'Alt+ArrowUp Alt+ArrowDown' } : {});
const VOICE = new Set([2, 13]);
/** Into a voice channel, or out of it: bots hear of both. */
const sit = (channel, sitting) => api('POST', '/page/voice', { as: state.me.id, guild_id: channel.guild_id, channel_id: sitting.some((each) => each.user_id === state.me.id) ? null : channel.id }).catch((error) => complain(error.message));
function channelNode(channel, seen) {
  const inVoice = VOICE.has(channel.type) ? (guildNow()?.voice_states ?? []).filter((each) => each.channel_id === channel.id) : [];
  const editable = channel.guild_id && !THREADS.has(channel.type) && (may('ManageChannels', channel.id) || may('ManageRoles', channel.id));
  const label = `${channelName(channel)}${seen?.mentions ? `, ${seen.mentions} for you` : seen ? ', unread' : ''}`;
  return h('div', { class: `channel-row ${editable ? 'with-tool' : ''}` }, h('button', {
    type: 'button', class: `channel ${seen ? 'unread' : ''} ${THREADS.has(channel.type) ? 'thread' : ''}`, disabled: !canOpen(channel) && !VOICE.has(channel.type), ...(channel.guild_id && !THREADS.has(channel.type) ? movable() : {}), title: VOICE.has(channel.type) ? 'Join or leave; nobody is heard in the sandbox' : null,
    'aria-current': channel.id === state.channel ? 'page' : null, onclick: () => (VOICE.has(channel.type) ? sit(channel, inVoice) : openChannel(channel.id)), oncontextmenu: (event) => channelMenu(event, channel), 'data-channel': channel.id, 'aria-label': label,
  }, channel.type === 1 ? avatar(state.bot, 'small') : faceOf(channel), h('span', {}, channelName(channel)), channel.type === 1 && tag(state.bot), seen?.mentions > 0 && h('span', { class: 'badge', 'aria-hidden': 'true' }, String(seen.mentions))),
  editable && iconButton('gear', `Edit ${channelName(channel)}`, () => openSettings('channels', { channel: channel.id })),
  inVoice.map((each) => h('div', { class: 'in-voice' }, avatar(findUser(each.user_id), 'tiny'), userName(findUser(each.user_id)))));
}

function serverMenu(anchor) {
  openMenu(anchor, guildNow().name, [
    { label: 'Server settings', icon: 'gear', run: () => openSettings('overview') },
    { label: 'Roles', icon: 'people', run: () => openSettings('roles') },
    { label: 'Members', icon: 'people', run: () => openSettings('members') },
    may('ManageChannels') && { label: 'Create channel', icon: 'plus', run: () => openNewChannel() },
    { label: 'Copy server ID', icon: 'copy', run: () => navigator.clipboard?.writeText(state.guild) },
  ]);
}
addEventListener('places', () => drawPlaces());

let placesWanted = false;
/** Once for all messages of a burst. */
export const drawPlacesSoon = () => {
  if (placesWanted) return;
  placesWanted = true;
  requestAnimationFrame(() => { placesWanted = false; drawPlaces(); });
};

export function drawPlaces() {
  const guild = guildNow();
  const unreadIn = (channels) => channels.reduce((sum, channel) => {
    const seen = state.unread.get(channel.id);
    return { count: sum.count + (seen?.count ?? 0), mentions: sum.mentions + (seen?.mentions ?? 0) };
  }, { count: 0, mentions: 0 });
  const serverButton = (id, name, face, channels) => {
    const { count, mentions } = unreadIn(channels);
    return h('button', {
      type: 'button', class: `server ${count ? 'unread' : ''}`, 'aria-current': state.guild === id ? 'page' : null, title: name, 'data-guild': id ?? 'direct',
      'aria-label': `${name}${mentions ? `, ${mentions} for you` : count ? ', unread' : ''}`, onclick: () => openGuild(id),
    }, face, mentions > 0 && h('span', { class: 'badge', 'aria-hidden': 'true' }, String(mentions)));
  };
  keepFocus($('servers'), 'guild', () => $('servers').replaceChildren(
    serverButton(null, 'Direct messages', icon('mark'), state.dms), h('hr'),
    ...state.guilds.map((each) => serverButton(each.id, each.name, h('span', { class: 'initials', 'data-initials': each.name.split(/\s+/u).map((word) => [...word][0]).join('').slice(0, 3) }), each.channels ?? [])),
    h('button', { type: 'button', class: 'server add-server', 'data-guild': 'new', title: 'Add a server', 'aria-label': 'Add a server', onclick: openNewGuild }, icon('plus'))));

  $('place').replaceChildren(h('h1', {}, guild ? h('button', { type: 'button', id: 'server-menu', 'aria-haspopup': 'menu', 'aria-label': `${guild.name}, server menu`, onclick: (event) => serverMenu(event.currentTarget) }, h('span', {}, guild.name), icon('chevron')) : h('span', {}, 'Direct messages')));
  const channels = guild ? sortChannels(guild.channels ?? []) : state.dms;
  let folded = false;
  const nodes = channels.map((channel) => {
    if (channel.type === 4) {
      folded = isFolded(channel.id);
      return h('h2', { oncontextmenu: (event) => channelMenu(event, channel) },
        h('button', { type: 'button', 'data-channel': channel.id, ...movable(), 'aria-expanded': String(!folded), onclick: () => { fold(channel.id); drawPlaces(); } }, icon('chevron'), h('span', {}, channel.name)),
        may('ManageChannels') && iconButton('plus', `Create a channel in ${channel.name}`, () => openNewChannel(channel.id)));
    }
    const seen = seenIn(channel, channels);
    // Of a folded category, what is open or unread is still shown, as in Discord.
    if (folded && !seen && channel.id !== state.channel && channels.some((each) => each.type === 4)) return null;
    return channelNode(channel, seen);
  });
  if (!guild && !state.dms.length && state.bot) {
    nodes.push(h('button', { type: 'button', class: 'channel', 'data-channel': 'new', onclick: openDirect }, avatar(state.bot, 'small'), h('span', {}, `Message ${botName()}`)));
  }
  keepFocus($('channels'), 'channel', () => $('channels').replaceChildren(...nodes.filter(Boolean)));

  const channel = findChannel(state.channel);
  $('heading').replaceChildren(...(channel ? [parentLink(channel) ?? '', channel.type === 1 ? avatar(state.bot, 'small') : faceOf(channel), h('strong', { role: 'heading', 'aria-level': '1' }, channelName(channel)), channel.type === 1 ? tag(state.bot) ?? '' : '', channel.topic && !FORUMS.has(channel.type) ? h('span', { class: 'topic', title: channel.topic }, markdown(channel.topic, { inline: true })) : ''] : []));
  const { mentions } = unreadIn([...state.guilds.flatMap((each) => each.channels ?? []), ...state.dms]);
  document.title = `${mentions ? `(${mentions}) ` : ''}${channel ? `${channel.type === 1 ? '@' : '#'}${channelName(channel)} · ` : ''}Sandbox`;
  const unlocked = drawThreadNote();
  const writable = channel && unlocked && (channel.type === 1 || may(THREADS.has(channel.type) ? 'SendMessagesinThreads' : 'SendMessages', channel.id));
  $('text').placeholder = !channel ? '' : writable ? `Message ${channel.type === 1 ? '@' : '#'}${channelName(channel)}` : 'You do not have permission to send messages here';
  $('text').setAttribute('aria-label', channel ? `Message ${channelName(channel)}` : 'Message');
  $('text').disabled = !channel || !writable;
  $('composer').classList.toggle('closed', !writable);
  $('search-text').placeholder = guild ? `Search ${guild.name}` : 'Search';
}
