// What each person has read, for as long as the tab is open: so that who comes back to a person finds what that person
// has missed. Kept by person and channel as the id of the newest message that was seen; the rest is asked of the sandbox.

import { byId, canOpen, findChannel, mentionsMe, state } from './state.js';
import { drawPlacesSoon } from './places.js';
import { drawMessage } from './timeline.js';
import { api } from './server.js';

/** Messages of one channel that are counted, at most. */
const COUNTED = 200;

/** Whose marks these are, and the marks: channel's id -> id of the newest message that was seen. */
let person = null;
let marks = new Map();
const keyOf = (id) => `read:${id}`;
const isNewer = (a, b) => byId({ id: a }, { id: b }) > 0;

let saveWanted = false;
function save() {
  if (saveWanted) return;
  saveWanted = true;
  queueMicrotask(() => {
    saveWanted = false;
    try { sessionStorage.setItem(keyOf(person), JSON.stringify([...marks])); } catch { /* Without room they last until the page is left. */ }
  });
}
function read(id) {
  try { const kept = sessionStorage.getItem(keyOf(id)); return kept === null ? null : new Map(JSON.parse(kept)); } catch { return null; }
}

/** All of a channel was seen, up to this message. */
export function markRead(channelId, messageId = findChannel(channelId)?.last_message_id) {
  if (!messageId || person !== state.me?.id) return;
  const before = marks.get(channelId);
  if (before && !isNewer(messageId, before)) return;
  marks.set(channelId, messageId);
  save();
}

/** A message is there: the open channel's is seen, and of others it is known that there is more. */
export function noteMessage(message) {
  const channel = findChannel(message.channel_id);
  if (channel && message.type >= 0 && !message.failed && (!channel.last_message_id || isNewer(message.id, channel.last_message_id))) {
    channel.last_message_id = message.id;
    if (channel.thread_metadata && message.id !== channel.id && message.type !== 21) channel.message_count = (channel.message_count ?? 0) + 1;
  }
  if (message.channel_id === state.channel && message.type >= 0 && !message.failed) markRead(message.channel_id, message.id);
}

const allChannels = () => [...state.guilds.flatMap((guild) => guild.channels ?? []), ...state.dms].filter(canOpen);

/** After each new state: what this person has missed, in this tab. Whoever was never here has missed nothing. */
export function restoreUnread() {
  const me = state.me.id;
  const kept = person === me ? marks : read(me);
  person = me;
  marks = kept ?? new Map(allChannels().map((channel) => [channel.id, channel.last_message_id ?? channel.id]));
  save();
  if (!kept) return;
  for (const channel of allChannels()) {
    const mark = marks.get(channel.id) ?? channel.id;
    if (channel.last_message_id && isNewer(channel.last_message_id, mark)) count(channel, mark);
  }
}

async function count(channel, mark) {
  const me = state.me.id;
  let missed;
  try { missed = await api('GET', `/page/messages?${new URLSearchParams({ as: me, channel_id: channel.id, after: mark, limit: String(COUNTED) })}`); } catch { return; }
  const fresh = missed.filter((message) => message.author?.id !== me);
  if (state.me?.id !== me || !fresh.length) return;
  if (channel.id === state.channel) {
    state.newFrom = fresh[0].id;
    drawMessage(fresh[0].id);
    return;
  }
  // What came meanwhile has been counted by itself, and is in the answer or newer.
  const direct = channel.type === 1;
  state.unread.set(channel.id, { first: fresh[0].id, count: fresh.length, mentions: fresh.filter((message) => direct || mentionsMe(message)).length });
  drawPlacesSoon();
}
