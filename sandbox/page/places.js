// Where one is: servers, channels, direct messages and the bar above the messages.

import { $, arrowKeys, h, icon, keepFocus } from './dom.js';
import { botName, byId, channelName, findChannel, guildNow, guildOfChannel, state, TEXT_CHANNELS, THREADS } from './state.js';
import { markdown } from './markdown.js';
import { loadRoom } from './timeline.js';
import { avatar, tag } from './people.js';
import { complain } from './composer.js';
import { closeSlash } from './slash.js';
import { wanted } from './live.js';
import { api } from './server.js';
import { closeDrawers, drawAll } from './app.js';

export function openGuild(id) {
  const channels = id ? state.guilds.find((guild) => guild.id === id)?.channels ?? [] : state.dms;
  const remembered = channels.find((channel) => channel.id === lastChannel.get(id));
  const first = remembered ?? sortChannels(channels).find((channel) => TEXT_CHANNELS.has(channel.type));
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
  if (!channel || !TEXT_CHANNELS.has(channel.type)) return;
  if (state.channel) state.drafts.set(state.channel, $('text').value);
  if (state.channel !== id) { state.replyTo = null; state.editing = null; closeSlash(false); complain(''); }
  state.guild = guildOfChannel(id)?.id ?? null;
  state.channel = id;
  wanted.place = channel.name;
  lastChannel.set(state.guild, id);
  state.newFrom = state.unread.get(id)?.first ?? null;
  state.unread.delete(id);
  $('text').value = state.drafts.get(id) ?? '';
  drawAll();
  closeDrawers();
  rememberPlace();
  if (!matchMedia('(pointer: coarse)').matches) $('text').focus();
  loadRoom(id);
}

export const rememberPlace = () => {
  const url = new URL(location.href);
  if (state.me) url.searchParams.set('as', state.me.id);
  if (state.channel) url.searchParams.set('channel', state.channel);
  history.replaceState(null, '', url);
};

arrowKeys($('servers'), 'guild');
arrowKeys($('channels'), 'channel');
arrowKeys($('members'), 'user');

const sortChannels = (channels) => {
  const order = (a, b) => (a.position ?? 0) - (b.position ?? 0) || byId(a, b);
  const categories = channels.filter((channel) => channel.type === 4).sort(order);
  const under = (parent) => channels.filter((channel) => channel.type !== 4 && !THREADS.has(channel.type) && (categories.some((each) => each.id === channel.parent_id) ? channel.parent_id : null) === parent)
    .sort(order).flatMap((channel) => [channel, ...channels.filter((each) => THREADS.has(each.type) && each.parent_id === channel.id)]);
  return [...under(null), ...categories.flatMap((category) => [category, ...under(category.id)])];
};

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
    ...state.guilds.map((each) => serverButton(each.id, each.name, h('span', { 'aria-hidden': 'true' }, each.name.split(/\s+/u).map((word) => [...word][0]).join('').slice(0, 3)), each.channels ?? []))));

  $('place').replaceChildren(h('h1', {}, guild?.name ?? 'Direct messages'));
  const channels = guild ? sortChannels(guild.channels ?? []) : state.dms;
  const nodes = channels.map((channel) => {
    if (channel.type === 4) return h('h2', {}, channel.name);
    const seen = state.unread.get(channel.id);
    const face = channel.type === 1 ? avatar(state.bot, 'small') : icon(channel.type === 2 || channel.type === 13 ? 'voice' : THREADS.has(channel.type) ? 'thread' : 'hash');
    return h('button', {
      type: 'button', class: `channel ${seen ? 'unread' : ''} ${THREADS.has(channel.type) ? 'thread' : ''}`, disabled: !TEXT_CHANNELS.has(channel.type),
      'aria-current': channel.id === state.channel ? 'page' : null, onclick: () => openChannel(channel.id), 'data-channel': channel.id,
      'aria-label': `${channelName(channel)}${seen?.mentions ? `, ${seen.mentions} for you` : seen ? ', unread' : ''}`,
    }, face, h('span', {}, channelName(channel)), channel.type === 1 && tag(state.bot), seen?.mentions > 0 && h('span', { class: 'badge', 'aria-hidden': 'true' }, String(seen.mentions)));
  });
  if (!guild && !state.dms.length && state.bot) {
    nodes.push(h('button', { type: 'button', class: 'channel', 'data-channel': 'new', onclick: openDirect }, avatar(state.bot, 'small'), h('span', {}, `Message ${botName()}`)));
  }
  keepFocus($('channels'), 'channel', () => $('channels').replaceChildren(...nodes));

  const channel = findChannel(state.channel);
  $('heading').replaceChildren(...(channel ? [channel.type === 1 ? avatar(state.bot, 'small') : icon('hash'), h('strong', {}, channelName(channel)), channel.type === 1 ? tag(state.bot) ?? '' : '', channel.topic ? h('span', { class: 'topic', title: channel.topic }, markdown(channel.topic, { inline: true })) : ''] : []));
  const { mentions } = unreadIn([...state.guilds.flatMap((each) => each.channels ?? []), ...state.dms]);
  document.title = `${mentions ? `(${mentions}) ` : ''}${channel ? `${channel.type === 1 ? '@' : '#'}${channelName(channel)} · ` : ''}Sandbox`;
  $('text').placeholder = channel ? `Message ${channel.type === 1 ? '@' : '#'}${channelName(channel)}` : '';
  $('text').setAttribute('aria-label', channel ? `Message ${channelName(channel)}` : 'Message');
  $('text').disabled = !channel;
}
