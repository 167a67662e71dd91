// A server's audit log in its settings: who did what to whom, when and why, and what is another now. New entries come by
// themselves; the rest is read as somebody asks for it.

import { h, icon } from './dom.js';
import { channelName, findChannel, findUser, guildNow, state, userName } from './state.js';
import { PERMISSIONS } from './permissions.js';
import { avatar } from './people.js';
import { timeElement } from './time.js';
import { api } from './server.js';

/** Discord's numbers: what it says between who did it and whom it concerns, what that is, and a sign. */
const ACTIONS = {
  1: ['changed the server', null, 'edit'],
  10: ['created the channel', 'channel', 'plus'], 11: ['changed the channel', 'channel', 'edit'], 12: ['deleted the channel', 'channel', 'delete'],
  13: ['set permissions in the channel', 'channel', 'plus'], 14: ['changed permissions in the channel', 'channel', 'edit'], 15: ['removed permissions from the channel', 'channel', 'delete'],
  20: ['kicked', 'user', 'delete'], 21: ['removed inactive members', null, 'delete'], 22: ['banned', 'user', 'delete'], 23: ['lifted the ban of', 'user', 'plus'],
  24: ['changed the member', 'user', 'edit'], 25: ['changed the roles of', 'user', 'edit'], 26: ['moved members to another voice channel', null, 'edit'], 27: ['disconnected members from voice', null, 'delete'], 28: ['added the bot', 'user', 'plus'],
  30: ['created the role', 'role', 'plus'], 31: ['changed the role', 'role', 'edit'], 32: ['deleted the role', 'role', 'delete'],
  40: ['created the invite', 'named', 'plus'], 41: ['changed the invite', 'named', 'edit'], 42: ['deleted the invite', 'named', 'delete'],
  50: ['created the webhook', 'named', 'plus'], 51: ['changed the webhook', 'named', 'edit'], 52: ['deleted the webhook', 'named', 'delete'],
  60: ['created the emoji', 'named', 'plus'], 61: ['changed the emoji', 'named', 'edit'], 62: ['deleted the emoji', 'named', 'delete'],
  72: ['deleted a message by', 'user', 'delete'], 73: ['deleted messages in', 'channel', 'delete'], 74: ['pinned a message by', 'user', 'pin'], 75: ['unpinned a message by', 'user', 'pin'],
  110: ['began the thread', 'channel', 'plus'], 111: ['changed the thread', 'channel', 'edit'], 112: ['deleted the thread', 'channel', 'delete'],
};
const LABELS = { name: 'Name', color: 'Colour', permissions: 'Permissions', hoist: 'Shown apart', mentionable: 'Can be mentioned', topic: 'Topic', position: 'Position', parent_id: 'Category', rate_limit_per_user: 'Slow mode', nsfw: 'Age restriction', nick: 'Nickname', communication_disabled_until: 'Time-out until', permission_overwrites: 'Permission entries', type: 'Type', archived: 'Archived', locked: 'Locked', roles: 'Roles', $add: 'Roles given', $remove: 'Roles taken', code: 'Code', max_age: 'Valid for, in seconds', max_uses: 'Uses at most', channel_id: 'Channel', count: 'How many', delete_member_days: 'Messages deleted, in days', members_removed: 'Members removed', message_id: 'Message' };
const MOST_CHARACTERS = 200;

/** What is shown: of which server and person, the entries newest first, who is named, what they are chosen by. */
let log = null;
const view = h('div', { class: 'audit-log' });

const madeAt = (id) => new Date(Number((BigInt(id) >> 22n) + 1_420_070_400_000n)).toISOString();
const nameOfUser = (id) => { const user = findUser(id) ?? log.users.get(id); return user ? userName(user) : `somebody (${id})`; };
const changed = (entry, key) => { const found = entry.changes?.find((each) => each.key === key); return found?.new_value ?? found?.old_value; };

function targetName(entry, kind) {
  const id = entry.target_id;
  if (!kind) return null;
  if (kind === 'user' && id) return nameOfUser(id);
  if (kind === 'channel') { const channel = findChannel(id ?? entry.options?.channel_id); return channel ? `#${channelName(channel)}` : `#${changed(entry, 'name') ?? id}`; }
  if (kind === 'role') return guildNow()?.roles.find((role) => role.id === id)?.name ?? changed(entry, 'name') ?? id;
  return changed(entry, 'name') ?? changed(entry, 'code') ?? id;
}

const permissionNames = (value) => { try { return PERMISSIONS.flatMap(([, list]) => list).filter(([bit]) => BigInt(value) & (1n << BigInt(bit))).map(([, name]) => name); } catch { return [String(value)]; } };
function valueText(key, value) {
  if (value === undefined || value === null || value === '') return 'nothing';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (key === 'color') return value ? `#${Number(value).toString(16).padStart(6, '0')}` : 'none';
  if (key === 'permissions') return permissionNames(value).join(', ') || 'none';
  if (key.endsWith('_id')) { const channel = findChannel(value); if (channel) return channelName(channel); }
  if (key === 'communication_disabled_until') return new Date(value).toLocaleString();
  const nameOf = (each) => each?.name ?? (typeof each === 'string' ? guildNow()?.roles.find((role) => role.id === each)?.name ?? each : JSON.stringify(each));
  const text = Array.isArray(value) ? value.map(nameOf).join(', ') || 'none' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}

function changeNode({ key, old_value: before, new_value: after }) {
  const label = LABELS[key] ?? key.replaceAll('_', ' ');
  // Of permissions, only those that are others now.
  if (key === 'permissions' && before !== undefined && after !== undefined) {
    const [had, has] = [permissionNames(before), permissionNames(after)];
    const [gained, lost] = [has.filter((each) => !had.includes(each)), had.filter((each) => !has.includes(each))];
    return h('li', {}, h('b', {}, label), gained.length > 0 && [' given: ', h('ins', {}, gained.join(', '))], lost.length > 0 && [' taken: ', h('del', {}, lost.join(', '))]);
  }
  return h('li', {}, h('b', {}, label), ' ', before !== undefined && h('del', {}, valueText(key, before)), before !== undefined && ' → ', h('ins', {}, valueText(key, after)));
}

function entryNode(entry) {
  const [verb, kind, sign] = ACTIONS[entry.action_type] ?? [`did something that this page has no words for (action ${entry.action_type})`, 'named', 'edit'];
  const user = findUser(entry.user_id) ?? log.users.get(entry.user_id);
  const target = targetName(entry, kind);
  const options = Object.entries(entry.options ?? {}).filter(([, value]) => value !== null);
  return h('li', {}, h('details', { 'data-entry': entry.id, open: log.open.has(entry.id), ontoggle: (event) => { if (event.target.open) log.open.add(entry.id); else log.open.delete(entry.id); } },
    h('summary', {}, h('span', { class: `audit-sign sign-${sign}` }, icon(sign)), avatar(user, 'small'), h('span', { class: 'audit-text' }, h('span', {}, h('b', {}, nameOfUser(entry.user_id)), ` ${verb} `, target && h('b', {}, target)), h('small', {}, timeElement(madeAt(entry.id)), entry.reason ? ` · “${entry.reason}”` : '')), icon('chevron')),
    h('ul', { class: 'audit-changes' }, entry.reason && h('li', {}, h('b', {}, 'Reason'), ` ${entry.reason}`), (entry.changes ?? []).filter(({ key }) => key !== 'colors').map(changeNode), options.map(([key, value]) => h('li', {}, h('b', {}, LABELS[key] ?? key.replaceAll('_', ' ')), ` ${valueText(key, value)}`)),
      !entry.reason && !entry.changes?.length && !options.length && h('li', { class: 'soft' }, 'There is nothing more to say of it.'), h('li', { class: 'soft' }, `Entry ${entry.id}${entry.target_id ? ` · target ${entry.target_id}` : ''}`))));
}

const fits = (entry) => (!log.user || entry.user_id === log.user) && (!log.action || entry.action_type === Number(log.action));

async function readMore(anew = false) {
  const own = log;
  const query = { as: own.as, guild_id: own.guild, ...(own.user && { user_id: own.user }), ...(own.action && { action_type: own.action }), ...(!anew && own.entries.length && { before: own.entries.at(-1).id }) };
  const asked = own.asked = JSON.stringify(query);
  try {
    const answer = await api('GET', `/page/audit-log?${new URLSearchParams(query)}`);
    if (own !== log || own.asked !== asked) return;
    for (const user of answer.users) own.users.set(user.id, user);
    Object.assign(own, { entries: anew ? answer.entries : [...own.entries, ...answer.entries], more: answer.has_more, problem: null, read: true });
  } catch (error) { if (own !== log) return; own.problem = error.message; }
  drawList();
}

function drawList() {
  const list = view.querySelector('.audit-list');
  if (!list) return;
  const held = list.contains(document.activeElement) ? document.activeElement.closest('[data-entry]')?.dataset.entry : null;
  list.replaceChildren(...(log.problem ? [h('li', { class: 'wrong' }, log.problem)] : log.entries.length ? log.entries.map(entryNode) : [h('li', { class: 'soft' }, log.read ? 'Nothing was done that would stand here.' : 'Reading…')]));
  if (held) list.querySelector(`[data-entry="${held}"] summary`)?.focus({ preventScroll: true });
  view.querySelector('.audit-more').hidden = !log.more;
}

/** The page of the settings; the same element until another server or person is looked at. */
export function auditLog() {
  if (log?.guild === state.guild && log.as === state.me.id && view.isConnected) { drawList(); return [h('h3', {}, 'Audit log'), view]; }
  log = { guild: state.guild, as: state.me.id, entries: [], users: new Map(), open: new Set(), user: '', action: '', more: false, read: false };
  const choose = (name, label, options) => { const select = h('select', { 'aria-label': label, 'data-key': `audit-${name}`, onchange: () => { log[name] = select.value; readMore(true); } }, options.map(([value, text]) => h('option', { value }, text))); return select; };
  view.replaceChildren(h('div', { class: 'card-actions' },
    choose('user', 'Done by', [['', 'By anybody'], ...(guildNow().members ?? []).slice(0, 200).map(({ user }) => [user.id, `By ${userName(user)}`])]),
    choose('action', 'What was done', [['', 'Whatever was done'], ...Object.entries(ACTIONS).map(([number, [verb]]) => [number, `Who ${verb}`])])),
  h('ul', { class: 'audit-list', 'aria-label': 'Entries, newest first' }), h('button', { type: 'button', class: 'button secondary audit-more', hidden: true, onclick: () => readMore() }, 'Show more'));
  drawList();
  readMore(true);
  return [h('h3', {}, 'Audit log'), view];
}

/** Something was done just now. */
export function noteAuditEntry(entry) {
  if (!log || !view.isConnected || entry.guild_id !== log.guild || !fits(entry)) return;
  log.entries = [entry, ...log.entries.filter((each) => each.id !== entry.id)];
  drawList();
}
