// The live connection: takes the state and the events of the sandbox, and comes back by itself when it breaks.

import { $, h } from './dom.js';
import { byId, canOpen, EPHEMERAL, findChannel, room, state } from './state.js';
import { addMessage, loadRoom, removeMessage, updateMessage } from './timeline.js';
import { drawPlaces, openChannel, openGuild, rememberPlace } from './places.js';
import { drawBotState, drawMembers, drawSelf } from './people.js';
import { changed, startTyping } from './composer.js';
import { form } from './slash.js';
import { early, interactionChanged } from './interaction.js';
import { drawAll } from './app.js';
import { noteRefusal, noteViolation } from './traffic.js';
import { noteBuild, takeBuilds } from './build.js';
import { jumpTo } from './timeline.js';
import { forumChanged } from './forum.js';
import { restoreUnread } from './unread.js';
import { noteAuditEntry } from './audit.js';
import { noteRateLimits } from './limits.js';
import { noteRecording, takeRecording } from './recording.js';

export const wanted = { as: new URLSearchParams(location.search).get('as') ?? '', channel: new URLSearchParams(location.search).get('channel'), message: new URLSearchParams(location.search).get('message') };
let socket = null;
let retryTimer = null;
let attempts = 0;

export function connect() {
  clearTimeout(retryTimer);
  const own = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/page/live?as=${encodeURIComponent(wanted.as)}`);
  const before = socket;
  socket = own;
  before?.close();
  let opened = false;
  own.addEventListener('open', () => { opened = true; });
  own.addEventListener('message', ({ data }) => {
    if (own !== socket) return;
    let event;
    try { event = JSON.parse(data); } catch { return; }
    receive(event.type, event.data);
  });
  own.addEventListener('close', async () => {
    if (own !== socket) return;
    attempts += 1;
    showConnection(false);
    // A sandbox that was started anew may not know the person that this page wants to be.
    if (!opened && wanted.as && await fetch('/page/app.js', { method: 'HEAD' }).then((answer) => answer.ok, () => false)) wanted.as = wanted.as === wanted.name ? '' : wanted.name ?? '';
    if (own !== socket) return;
    retryTimer = setTimeout(connect, Math.min(5000, 200 * 2 ** Math.min(attempts, 6)));
  });
}

function showConnection(connected) {
  const box = $('connection');
  box.hidden = connected;
  document.body.classList.toggle('disconnected', !connected);
  box.replaceChildren(...(connected ? [] : [h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')), h('span', {}, 'Not connected to the sandbox. Trying again…'), h('button', { type: 'button', class: 'plain', onclick: connect }, 'Try now')]));
}
addEventListener('online', () => { if (document.body.classList.contains('disconnected')) connect(); });

function takeState(data) {
  const samePerson = state.me?.id === data.me.id;
  attempts = 0;
  showConnection(true);
  Object.assign(state, { me: data.me, bot: data.bot, online: data.online, presence: data.presence, people: data.people ?? [], guilds: data.guilds ?? [], dms: data.dms ?? [], commands: data.commands ?? [], recording: data.recording });
  if (data.rate_limits) noteRateLimits({ profile: data.rate_limits });
  // What was missed while away is read anew.
  state.rooms.clear();
  state.waiting.clear();
  early.clear();
  for (const { timer } of state.typing.values()) clearTimeout(timer);
  state.typing.clear();
  if (!samePerson) { state.unread.clear(); state.drafts.clear(); state.replyTo = null; state.editing = null; }
  wanted.as = data.me.id;
  restoreUnread();
  wanted.name = data.me.username;
  // A channel by its name, too: in an address that a person writes, and after a sandbox was started anew.
  const named = (name) => name && state.guilds.flatMap((guild) => guild.channels ?? []).find((each) => each.name === name && each.type !== 4);
  const channel = findChannel(state.channel ?? wanted.channel) ?? named(wanted.place ?? wanted.channel);
  // Someone else's direct messages have another id: stay in direct messages, with one's own.
  if (channel) {
    if (form && samePerson) { drawAll(); loadRoom(channel.id); } else openChannel(channel.id);
  } else openGuild(state.channel && state.guild === null ? null : state.guilds[0]?.id ?? null);
  forumChanged(state.channel);
  takeBuilds(data.builds);
  takeRecording();
  if (data.replay) noteRecording(data.replay);
  rememberPlace();
  if (wanted.message) { jumpTo(state.channel, wanted.message); wanted.message = null; }
}

export function receive(type, data) {
  switch (type) {
    case 'state': takeState(data); break;
    case 'message_create': addMessage(data); forumChanged(data.channel_id); break;
    case 'message_update': updateMessage(data); forumChanged(data.channel_id); break;
    case 'message_delete': removeMessage(data.channel_id, data.id); forumChanged(data.channel_id); break;
    case 'presence': takePresence(data); break;
    case 'typing': startTyping(data); break;
    case 'interaction': interactionChanged(data); break;
    case 'commands': state.commands = data; if ($('text').value.startsWith('/') && document.activeElement === $('text')) changed(); break;
    case 'bot': state.online = data.online; state.presence = data.presence; drawBotState(); drawMembers(); break;
    case 'person': state.people = [...state.people, data]; drawMembers(); break;
    case 'guild': takeGuild(data); break;
    case 'dm_create': if (!state.dms.some((each) => each.id === data.id)) state.dms.push(data); drawPlaces(); break;
    case 'member_add': case 'member_update': addMember(data); break;
    case 'member_remove': removeMember(data); break;
    case 'rest_error': addRefusal(data); break;
    case 'violation': noteViolation(data); break;
    case 'build': noteBuild(data); break;
    case 'recording': noteRecording(data); break;
    case 'audit_log_entry': noteAuditEntry(data); break;
    case 'rate_limits': noteRateLimits(data); break;
    default: break;
  }
}

/** How somebody is there; guilds name only those who are not just online. */
function takePresence(data) {
  for (const guild of state.guilds) guild.presences = [...(guild.presences ?? []).filter((each) => each.user.id !== data.user.id), data];
  drawMembers();
  drawSelf();
}

function addMember(data) {
  const guild = state.guilds.find((each) => each.id === data.guild_id);
  const member = data.member ?? data;
  if (!guild || !member.user) return;
  guild.members = [...(guild.members ?? []).filter((each) => each.user?.id !== member.user.id), member];
  drawMembers();
}

function removeMember({ guild_id: guildId, user }) {
  if (user.id === state.me?.id) {
    state.guilds = state.guilds.filter((each) => each.id !== guildId);
    if (state.guild === guildId) openGuild(state.guilds[0]?.id ?? null); else drawPlaces();
    return;
  }
  const guild = state.guilds.find((each) => each.id === guildId);
  if (guild) guild.members = guild.members.filter((each) => each.user?.id !== user.id);
  drawMembers();
}

/** A guild that is new, or whose channels or roles are not what they were. */
function takeGuild(guild) {
  const at = state.guilds.findIndex((each) => each.id === guild.id);
  const parent = findChannel(state.channel)?.parent_id;
  if (at < 0) state.guilds = [...state.guilds, guild].sort(byId);
  else state.guilds[at] = guild;
  if (state.guild === guild.id && !guild.channels.some((channel) => channel.id === state.channel)) {
    // Of a thread that is gone, one comes back to where it was.
    if (findChannel(parent) && canOpen(findChannel(parent))) openChannel(parent); else openGuild(guild.id);
    return;
  }
  dispatchEvent(new Event('places'));
  drawMembers();
}

/** A request of the bot that was refused is shown where its effect would have been; several of a kind as one. */
function addRefusal(data) {
  noteRefusal();
  const channelId = findChannel(data.channel_id) ? data.channel_id : data.channel_id ? null : state.channel;
  if (!channelId || (data.user_id && data.user_id !== state.me?.id)) return;
  const { list } = room(channelId);
  const last = list.at(-1);
  const same = last?.refusal && last.refusal.status === data.status && last.refusal.method === data.method && JSON.stringify(last.refusal.body) === JSON.stringify(data.body);
  if (same) { updateMessage({ ...last, refusal: { ...last.refusal, times: last.refusal.times + 1 } }); return; }
  addMessage({ id: `${last?.id ?? '1'}0`, channel_id: channelId, type: -1, flags: EPHEMERAL, failed: true, author: state.bot, content: '', timestamp: new Date().toISOString(), refusal: { ...data, times: 1 } });
}
