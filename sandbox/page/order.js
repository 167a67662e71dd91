// Putting channels and roles in another order: by the pointer, or with Alt and the arrows where one has the focus.

import { $, h } from './dom.js';
import { byId, channelName, findChannel, guildNow, THREADS } from './state.js';
import { may } from './permissions.js';
import { tryChange } from './settings.js';

/** What moves are told to those who do not see them. */
const told = h('div', { class: 'aside', role: 'status' });
document.body.append(told);
const CATEGORY = 4;

/** The open server's channels as they stand: those without a category, then each category with its own. */
function groupsNow() {
  const order = (a, b) => (a.position ?? 0) - (b.position ?? 0) || byId(a, b);
  const channels = (guildNow()?.channels ?? []).filter((channel) => !THREADS.has(channel.type)).sort(order);
  const categories = channels.filter((channel) => channel.type === CATEGORY);
  const isIn = (channel, category) => (categories.some((each) => each.id === channel.parent_id) ? channel.parent_id : null) === (category?.id ?? null);
  return [null, ...categories].map((category) => ({ category, channels: channels.filter((channel) => channel.type !== CATEGORY && isIn(channel, category)) }));
}

/** One move after the other, each from where the one before has led. */
let moving = Promise.resolve();
const inTurn = (move) => { moving = moving.then(move); };

/** Shows and sends what is another now: places are counted from the top. */
async function settle(groups, moved) {
  const wanted = [];
  let place = 0;
  groups.forEach(({ category, channels }, at) => {
    if (category && category.position !== at - 1) wanted.push({ id: category.id, position: at - 1 });
    for (const channel of channels) {
      const parent = category?.id ?? null;
      if (channel.position !== place || (channel.parent_id ?? null) !== parent) wanted.push({ id: channel.id, position: place, parent_id: parent });
      place += 1;
    }
  });
  if (!wanted.length) return;
  const put = (places) => { for (const { id, ...place } of places) Object.assign(findChannel(id) ?? {}, place); dispatchEvent(new Event('places')); };
  const before = wanted.map(({ id }) => { const { position, parent_id } = findChannel(id); return { id, position, parent_id }; });
  put(wanted);
  if (!await tryChange({ change: 'channel_order', channels: wanted })) { put(before); return; }
  const group = groups.find(({ category, channels }) => channels.includes(moved) || category === moved);
  told.textContent = moved.type === CATEGORY ? `${moved.name} is category ${groups.indexOf(group)} of ${groups.length - 1}` : `${channelName(moved)} is ${group.channels.indexOf(moved) + 1} of ${group.channels.length}${group.category ? ` in ${group.category.name}` : ''}`;
}

function stepChannel(id, by) {
  const groups = groupsNow();
  const channel = findChannel(id);
  if (channel.type === CATEGORY) {
    const at = groups.findIndex(({ category }) => category?.id === id);
    const to = at + by;
    if (to < 1 || to >= groups.length) return null;
    groups.splice(to, 0, ...groups.splice(at, 1));
  } else {
    const at = groups.findIndex(({ channels }) => channels.includes(channel));
    const { channels } = groups[at];
    const from = channels.indexOf(channel);
    if (channels[from + by]) { channels.splice(from, 1); channels.splice(from + by, 0, channel); }
    else if (groups[at + by]) { channels.splice(from, 1); groups[at + by].channels.splice(by > 0 ? 0 : Infinity, 0, channel); }
    else return null;
  }
  return settle(groups, channel);
}

/** Puts a channel before or after another one, or into a category whose name it was dropped on. */
function dropChannel(id, onto, after) {
  const groups = groupsNow();
  const [channel, target] = [findChannel(id), findChannel(onto)];
  if (!channel || !target || id === onto) return null;
  if (channel.type === CATEGORY) {
    const of = (each) => groups.findIndex(({ category, channels }) => category === each || channels.includes(each));
    const [group] = groups.splice(of(channel), 1);
    const at = of(target);
    if (at < 0) return null;
    groups.splice(Math.max(1, at + (after || target.type !== CATEGORY ? 1 : 0)), 0, group);
  } else {
    const from = groups.find(({ channels }) => channels.includes(channel)).channels;
    from.splice(from.indexOf(channel), 1);
    if (target.type === CATEGORY) groups.find(({ category }) => category === target).channels.unshift(channel);
    else { const { channels } = groups.find((group) => group.channels.includes(target)); channels.splice(channels.indexOf(target) + (after ? 1 : 0), 0, channel); }
  }
  return settle(groups, channel);
}

const isMovable = (node) => { const channel = findChannel(node?.dataset.channel); return Boolean(channel?.guild_id && !THREADS.has(channel.type) && may('ManageChannels')); };

/**
 * Lets the entries of a list be dragged. `pick` finds an entry from what is below the pointer, if it may be moved or
 * dropped on; `drop` is told of both and of the half that was hit.
 */
function draggable(list, pick, drop) {
  let held = null;
  const clear = () => { for (const node of list.querySelectorAll('.drop-before, .drop-after')) node.classList.remove('drop-before', 'drop-after'); };
  const half = (event, node) => { const { top, height } = node.getBoundingClientRect(); return event.clientY > top + height / 2; };
  list.addEventListener('dragstart', (event) => {
    held = pick(event.target);
    if (!held) return;
    event.dataTransfer.effectAllowed = 'move';
    event.dataTransfer.setData('text/plain', held.textContent);
    held.classList.add('dragged');
  });
  list.addEventListener('dragover', (event) => {
    const over = held && pick(event.target);
    clear();
    if (!over || over === held) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'move';
    over.classList.add(half(event, over) ? 'drop-after' : 'drop-before');
  });
  list.addEventListener('drop', (event) => {
    const over = held && pick(event.target);
    if (!over || over === held) return;
    event.preventDefault();
    event.stopPropagation();
    drop(held, over, half(event, over));
  });
  list.addEventListener('dragend', () => { clear(); held?.classList.remove('dragged'); held = null; });
}

draggable($('channels'), (node) => { const entry = node.closest?.('[data-channel]'); return isMovable(entry) ? entry : null; }, (held, over, after) => inTurn(() => dropChannel(held.dataset.channel, over.dataset.channel, after)));
$('channels').addEventListener('keydown', (event) => {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!by || !event.altKey || event.ctrlKey || !isMovable(event.target)) return;
  event.preventDefault();
  // Elsewhere the same keys go to the next channel.
  event.stopPropagation();
  const id = event.target.dataset.channel;
  inTurn(() => stepChannel(id, by));
});

/** The list of roles in the settings: `send` changes something and says what is wrong. */
export function orderRoles(list, ids, send) {
  const roleOf = (node) => { const id = node?.dataset.key?.slice('role-'.length); return ids.includes(id) ? id : null; };
  const put = async (order, id) => { if (await send({ change: 'role_order', ids: order })) told.textContent = `The role is ${order.indexOf(id) + 1} of ${order.length}`; };
  draggable(list, (node) => { const entry = node.closest?.('[data-key]'); return roleOf(entry) ? entry : null; }, (held, over, after) => {
    const [id, onto] = [roleOf(held), roleOf(over)];
    const order = ids.filter((each) => each !== id);
    order.splice(order.indexOf(onto) + (after ? 1 : 0), 0, id);
    put(order, id);
  });
  list.addEventListener('keydown', (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const id = roleOf(event.target);
    if (!by || !event.altKey || !id) return;
    event.preventDefault();
    event.stopPropagation();
    const order = ids.filter((each) => each !== id);
    const to = ids.indexOf(id) + by;
    if (to < 0 || to > order.length) return;
    order.splice(to, 0, id);
    put(order, id);
  });
  return list;
}
