// The messages of the open channel: read, added, changed, removed, drawn, and followed while the newest is in view.

import { $, h, icon } from './dom.js';
import { byId, channelName, findChannel, isPost, KEPT_MESSAGES, listNow, MOST_MESSAGES, mentionsMe, room, state, THREADS } from './state.js';
import { markdown } from './markdown.js';
import { addTools, focusMessage, messageNode, rove, roving } from './message.js';
import { tagsOf } from './forum.js';
import { drawPlacesSoon, openChannel } from './places.js';
import { pinsChanged } from './results.js';
import { avatar } from './people.js';
import { clearTyping, complain, drawAnswering } from './composer.js';
import { drawWaiting } from './interaction.js';
import { noteMessage } from './unread.js';
import { api } from './server.js';

/** Messages of one request; fewer than these are the channel's first. */
const PAGE = 50;

/** Whether the newest message is in view, so that the list follows what comes. */
export let stuck = true;
/** The message that was jumped to, while nobody scrolls: pictures above it that load must not push it away. */
let held = null;
function hold(id) {
  $(`m-${id}`)?.scrollIntoView({ block: 'center' });
  stuck = false;
  held = { id, top: $('scroller').scrollTop, height: $('messages').offsetHeight };
}
new ResizeObserver(() => { if (held && $('messages').offsetHeight !== held.height) hold(held.id); }).observe($('messages'));
$('scroller').addEventListener('scroll', () => {
  const box = $('scroller');
  if (held && $('messages').offsetHeight === held.height && Math.abs(box.scrollTop - held.top) > 2) held = null;
  const down = box.scrollHeight - box.scrollTop - box.clientHeight < 90;
  // In a burst the list grows and shrinks between two frames; that is nobody's wish to look at older messages.
  if (down || !scrollWanted) stuck = down;
  if (down && !state.rooms.get(state.channel)?.cut) seenAll();
  if (box.scrollTop < 300 && !down) loadOlder();
  if (box.scrollHeight - box.scrollTop - box.clientHeight < 300) loadNewer();
}, { passive: true });
for (const name of ['wheel', 'touchmove']) $('scroller').addEventListener(name, (event) => { held = null; if (!(event.deltaY > 0)) stuck = false; }, { passive: true });
new ResizeObserver(() => { if (stuck) scrollDown(); }).observe($('scroller'));
let scrollWanted = false;
export const scrollDown = () => {
  stuck = true;
  held = null;
  if (scrollWanted) return;
  scrollWanted = true;
  requestAnimationFrame(() => {
    scrollWanted = false;
    if (!stuck) return;
    $('scroller').scrollTop = $('scroller').scrollHeight;
    seenAll();
  });
};
function seenAll() {
  $('newer').hidden = true;
  const target = state.rooms.get(state.channel);
  if (target) target.fresh = 0;
}

export async function loadRoom(channelId) {
  const target = room(channelId);
  if (target.loaded) return;
  const { me } = state;
  try {
    const fetched = await api('GET', `/page/messages?${new URLSearchParams({ as: me.id, channel_id: channelId, limit: String(PAGE) })}`);
    if (state.rooms.get(channelId) !== target) return;
    const known = new Map([...fetched, ...target.list].map((message) => [message.id, message]));
    target.list = [...known.values()].filter((message) => !target.gone.has(message.id)).sort(byId);
    target.loaded = true;
    target.complete = fetched.length < PAGE;
  } catch (error) {
    if (state.channel === channelId) complain(`The messages could not be read: ${error.message}`);
  }
  if (state.channel === channelId) drawMessages();
}

/** Reads what came before the oldest message that is shown, and puts it above without moving what is in view. */
async function loadOlder() {
  const channelId = state.channel;
  const target = state.rooms.get(channelId);
  if (!target?.loaded || target.complete || target.reading || !target.list.length) return;
  target.reading = true;
  try {
    const fetched = await api('GET', `/page/messages?${new URLSearchParams({ as: state.me.id, channel_id: channelId, limit: String(PAGE), before: target.list[0].id })}`);
    if (state.rooms.get(channelId) !== target) return;
    const known = new Set(target.list.map((message) => message.id));
    const older = fetched.filter((message) => !known.has(message.id) && !target.gone.has(message.id));
    const [oldest] = target.list;
    target.list = [...older, ...target.list];
    target.complete = fetched.length < PAGE || !older.length;
    if (state.channel !== channelId) return;
    const box = $('scroller');
    const anchor = oldest && $(`m-${oldest.id}`);
    const wasAt = anchor?.getBoundingClientRect().top ?? 0;
    $('messages').prepend(...older.map((message, index) => messageNode(message, older[index - 1])));
    $('beginning').hidden = !target.complete;
    for (const dropped of target.list.splice(MOST_MESSAGES)) { $(`m-${dropped.id}`)?.remove(); target.cut = true; }
    if (target.cut) showNewer();
    if (oldest) drawMessage(oldest.id);
    const now = oldest && $(`m-${oldest.id}`);
    if (now) box.scrollTop += now.getBoundingClientRect().top - wasAt;
  } catch (error) {
    if (state.channel === channelId) complain(`Older messages could not be read: ${error.message}`);
  } finally { target.reading = false; }
}

/** Reads what came after the newest message that is shown, where the channel's newest are not there; as with older ones. */
async function loadNewer() {
  const channelId = state.channel;
  const target = state.rooms.get(channelId);
  const newest = target?.list.findLast((message) => !message.failed);
  if (!target?.cut || target.reading || !newest) return;
  target.reading = true;
  // What comes while the answer is under way is in neither.
  target.meanwhile = [];
  try {
    const fetched = await api('GET', `/page/messages?${new URLSearchParams({ as: state.me.id, channel_id: channelId, limit: String(PAGE), after: newest.id })}`);
    if (state.rooms.get(channelId) !== target) return;
    const known = new Set(target.list.map((message) => message.id));
    const isLast = fetched.length < PAGE;
    const newer = [...new Map([...fetched, ...isLast ? target.meanwhile : []].map((message) => [message.id, message])).values()].filter((message) => !known.has(message.id) && !target.gone.has(message.id)).sort(byId);
    const before = target.list.at(-1);
    target.list.push(...newer);
    target.cut = !isLast;
    if (state.channel !== channelId) return;
    const box = $('scroller');
    const anchor = before && $(`m-${before.id}`);
    const wasAt = anchor?.getBoundingClientRect().top ?? 0;
    $('messages').append(...newer.map((message, index) => messageNode(message, newer[index - 1] ?? before)));
    for (const dropped of target.list.splice(0, Math.max(0, target.list.length - MOST_MESSAGES))) { $(`m-${dropped.id}`)?.remove(); target.complete = false; }
    $('beginning').hidden = target.complete === false;
    if (anchor?.isConnected) box.scrollTop += anchor.getBoundingClientRect().top - wasAt;
    if (target.cut) showNewer(); else { target.fresh = 0; $('newer').hidden = true; }
  } catch (error) {
    if (state.channel === channelId) complain(`Newer messages could not be read: ${error.message}`);
  } finally { target.reading = false; target.meanwhile = null; }
}

export function addMessage(message) {
  const target = state.rooms.get(message.channel_id);
  clearTyping(message.channel_id, message.author?.id);
  noteMessage(message);
  const own = message.author?.id === state.me?.id;
  if (message.channel_id !== state.channel && !own) {
    const seen = state.unread.get(message.channel_id) ?? { count: 0, mentions: 0, first: message.id };
    const direct = state.dms.some((channel) => channel.id === message.channel_id);
    state.unread.set(message.channel_id, { first: seen.first, count: seen.count + 1, mentions: seen.mentions + Number(direct || mentionsMe(message)) });
    drawPlacesSoon();
  }
  if (!target) return;
  const at = target.list.findIndex((each) => each.id === message.id);
  if (at >= 0) { target.list[at] = { ...target.list[at], ...message }; if (message.channel_id === state.channel) drawMessage(message.id); return; }
  // The newest are not there: what comes now is read with them.
  if (target.cut) { target.meanwhile?.push(message); if (own) toPresent(); else if (message.channel_id === state.channel) { target.fresh = (target.fresh ?? 0) + 1; showNewer(); } return; }
  target.list.push(message);
  if (target.list.length > KEPT_MESSAGES && (stuck || message.channel_id !== state.channel)) {
    const dropped = target.list.shift();
    target.complete = false;
    if (message.channel_id === state.channel) $(`m-${dropped.id}`)?.remove();
  }
  if (message.channel_id !== state.channel) return;
  const follow = own || message.failed || stuck;
  const node = messageNode(message, target.list.at(-2));
  $('messages').append(node);
  if (roving !== document.activeElement) rove(node);
  drawWaiting();
  if (follow) scrollDown(); else { target.fresh = (target.fresh ?? 0) + 1; showNewer(); }
}

export function updateMessage(message) {
  const target = state.rooms.get(message.channel_id);
  const at = target?.list.findIndex((each) => each.id === message.id) ?? -1;
  if (at < 0) return;
  if (target.list[at].pinned !== message.pinned) queueMicrotask(pinsChanged);
  target.list[at] = { ...target.list[at], ...message };
  for (const each of target.list) {
    if (each.referenced_message?.id !== message.id) continue;
    each.referenced_message = target.list[at];
    if (message.channel_id === state.channel) drawMessage(each.id);
  }
  if (message.channel_id !== state.channel) return;
  drawMessage(message.id);
  if (stuck) scrollDown();
}

export function removeMessage(channelId, id) {
  const target = state.rooms.get(channelId);
  if (!target) return;
  target.gone.add(id);
  const at = target.list.findIndex((each) => each.id === id);
  if (at < 0) return;
  target.list.splice(at, 1);
  for (const each of target.list) if (each.referenced_message?.id === id) each.referenced_message = null;
  if (channelId !== state.channel) return;
  if (state.replyTo === id) { state.replyTo = null; drawAnswering(); }
  if (state.editing === id) state.editing = null;
  const node = $(`m-${id}`);
  const next = node?.nextElementSibling ?? node?.previousElementSibling;
  if (node?.contains(document.activeElement)) focusMessage(next ?? $('text'));
  node?.remove();
  for (const each of target.list) if (each === target.list[at] || each.message_reference?.message_id === id) drawMessage(each.id);
}

/** Draws one message again in its place, keeping the focus if one of its controls has it. */
export function drawMessage(id) {
  const old = $(`m-${id}`);
  const list = listNow();
  const at = list.findIndex((message) => message.id === id);
  if (!old || at < 0) return;
  const held = old.contains(document.activeElement) ? document.activeElement : null;
  const fresh = messageNode(list[at], list[at - 1]);
  const [typed, box] = [old.querySelector('.edit'), fresh.querySelector('.edit')];
  if (typed && box) box.value = typed.value;
  if (roving === old) rove(fresh);
  if (old.classList.contains('flash')) fresh.classList.add('flash');
  if (old.querySelector('.tools')) addTools(fresh);
  old.replaceWith(fresh);
  if (held === old) fresh.focus({ preventScroll: true });
  else if (held?.dataset.customId) {
    // A control may come back with another custom id: then it is known by its place.
    const index = [...old.querySelectorAll('[data-custom-id]')].indexOf(held);
    (fresh.querySelector(`[data-custom-id="${CSS.escape(held.dataset.customId)}"]`) ?? fresh.querySelectorAll('[data-custom-id]')[index])?.focus({ preventScroll: true });
  }
  drawWaiting();
}

export function drawMessages(down = true) {
  held = null;
  const list = listNow();
  const channel = findChannel(state.channel);
  const place = $('beginning');
  place.replaceChildren();
  place.hidden = false;
  $('messages').setAttribute('aria-busy', String(!state.rooms.get(state.channel)?.loaded));
  $('messages').replaceChildren();
  $('newer').hidden = true;
  if (!channel) {
    place.append(h('h2', {}, state.me ? 'No channel is open' : 'Connecting…'), h('p', {}, state.me ? 'Choose one on the left.' : 'The page is waiting for the sandbox.'));
    return;
  }
  $('messages').setAttribute('aria-label', `Messages in ${channelName(channel)}`);
  const direct = channel.type === 1;
  place.append(direct ? avatar(state.bot, 'big') : h('span', { class: 'big-hash', 'aria-hidden': 'true' }, icon(isPost(channel) ? 'forum' : THREADS.has(channel.type) ? 'thread' : 'hash')),
    h('h2', {}, direct ? channelName(channel) : THREADS.has(channel.type) ? channelName(channel) : `Welcome to #${channelName(channel)}!`),
    h('p', {}, direct ? `What you and ${channelName(channel)} write to each other, seen by nobody else.` : channel.topic ? markdown(channel.topic, { inline: true }) : THREADS.has(channel.type) ? `This is where the ${isPost(channel) ? 'post' : 'thread'} begins.` : `This is the start of the #${channelName(channel)} channel. Say something, or type / to see the commands.`),
    isPost(channel) && channel.applied_tags?.length ? h('p', { class: 'post-tags' }, tagsOf(channel)) : '');
  $('messages').append(...list.map((message, index) => messageNode(message, list[index - 1])));
  place.hidden = state.rooms.get(state.channel)?.complete === false;
  rove($('messages').lastElementChild);
  drawWaiting();
  if (state.rooms.get(state.channel)?.cut) showNewer();
  if (down) scrollDown();
}

/** Goes to a message, in another channel if it is there, reading what is around it if it is not at hand. */
export async function jumpTo(channelId, id) {
  if (!findChannel(channelId)) { complain('That message is in a place that you do not see.'); return; }
  if (state.channel !== channelId) openChannel(channelId);
  if (!$(`m-${id}`)) {
    await loadRoom(channelId);
    if (state.channel !== channelId) return;
  }
  if (!$(`m-${id}`)) {
    try {
      const fetched = await api('GET', `/page/messages?${new URLSearchParams({ as: state.me.id, channel_id: channelId, limit: String(PAGE * 2), around: id })}`);
      if (!fetched.some((message) => message.id === id)) { complain('That message is gone.'); return; }
      const target = room(channelId);
      Object.assign(target, { list: fetched, loaded: true, complete: false, cut: true });
      if (state.channel !== channelId) return;
      stuck = false;
      drawMessages(false);
      showNewer();
    } catch (error) { complain(`The message could not be read: ${error.message}`); return; }
  }
  stuck = false;
  const node = $(`m-${id}`);
  if (!node) return;
  hold(id);
  if ($('scroller').scrollHeight - $('scroller').scrollTop - $('scroller').clientHeight < 300) loadNewer();
  focusMessage(node);
  node.classList.remove('flash');
  // It may be drawn anew meanwhile.
  requestAnimationFrame(() => $(`m-${id}`)?.classList.add('flash'));
}

/** The way back to the newest messages, with how many came meanwhile. */
function showNewer() {
  const { fresh = 0, cut } = state.rooms.get(state.channel) ?? {};
  $('newer').hidden = false;
  const news = fresh ? `${fresh} new message${fresh > 1 ? 's' : ''}` : cut ? 'You’re viewing older messages' : '';
  $('newer').classList.toggle('older', Boolean(cut));
  $('newer').replaceChildren(h('span', {}, news), h('span', {}, 'Jump to present', icon('chevron')));
}
function toPresent() {
  const target = state.rooms.get(state.channel);
  if (!target?.cut) { scrollDown(); return; }
  state.rooms.delete(state.channel);
  stuck = true;
  loadRoom(state.channel);
}
$('newer').addEventListener('click', toPresent);
