// A server's settings as people know them: its name, roles and what they permit, members, channels with their overwrites,
// bans. So that what a bot answers to permissions can be tried by hand. Everything asks the sandbox, which says what may not be.

import { $, confirmDialog, h, icon, iconButton, leaveDialog, openDialog } from './dom.js';
import { guildNow, roleColour, state, userName } from './state.js';
import { BITS, may, PERMISSIONS } from './permissions.js';
import { avatar, tag } from './people.js';
import { complain } from './composer.js';
import { auditLog } from './audit.js';
import { orderRoles } from './order.js';
import { api } from './server.js';

export const change = (body) => api('POST', '/page/settings', { as: state.me.id, guild_id: state.guild, ...body });
/** The same, for menus: a refusal is shown above the box to write in. */
export const tryChange = (body) => change(body).catch((error) => { complain(error.message); return null; });

const TABS = [['overview', 'Overview'], ['roles', 'Roles'], ['members', 'Members'], ['channels', 'Channels'], ['bans', 'Bans'], ['audit', 'Audit log']];
const open = { dialog: null, tab: 'overview', role: null, channel: null, note: null };

export function openSettings(tab = 'overview', what = {}) {
  if (!state.guild || document.querySelector('dialog[open]')) return;
  Object.assign(open, { tab, role: what.role ?? null, channel: what.channel ?? null });
  const content = h('div', { class: 'settings-content', tabindex: '-1' });
  const tabs = h('nav', { class: 'settings-tabs', 'aria-label': 'Settings' });
  open.note = h('p', { class: 'wrong', role: 'alert', hidden: true });
  open.dialog = h('dialog', { class: 'settings', 'aria-label': `Settings of ${guildNow().name}` }, h('h2', { class: 'aside' }, `Settings of ${guildNow().name}`), tabs, h('div', { class: 'settings-main' }, open.note, content), iconButton('close', 'Close the settings (Escape)', () => open.dialog.close()));
  open.dialog.addEventListener('close', () => { open.dialog = null; });
  leaveDialog(open.dialog);
  document.body.append(open.dialog);
  open.dialog.showModal();
  drawSettings();
  open.dialog.querySelector('[aria-current]')?.focus();
}

/** Draws the open page anew, unless somebody writes in it. */
export function drawSettings(force = false) {
  const { dialog } = open;
  if (!dialog || !guildNow()) { dialog?.close(); return; }
  const held = dialog.contains(document.activeElement) ? document.activeElement : null;
  if (!force && held?.matches('.settings-content :is(input[type="text"], textarea)')) return;
  const key = held?.dataset.key;
  const content = dialog.querySelector('.settings-content');
  const top = content.scrollTop;
  dialog.querySelector('.settings-tabs').replaceChildren(h('b', {}, guildNow().name), ...TABS.filter(([id]) => id !== 'audit' || may('ViewAuditLog')).map(([id, label]) => h('button', { type: 'button', class: 'channel', 'data-key': `tab-${id}`, 'aria-current': open.tab === id ? 'page' : null, onclick: () => { open.tab = id; open.note.hidden = true; drawSettings(true); } }, label)));
  content.replaceChildren(...[{ overview, roles, members, channels, bans, audit: auditLog }[open.tab]()].flat().filter(Boolean));
  content.scrollTop = top;
  if (key) dialog.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

/** Sends a change; what is wrong is said on top. */
async function send(body, done) {
  open.note.hidden = true;
  try {
    const answer = await change(body);
    done?.(answer);
    drawSettings(true);
    return answer;
  } catch (error) {
    open.note.hidden = false;
    open.note.textContent = error.message;
    drawSettings(true);
    return null;
  }
}
const field = (label, input, about) => { input.id ||= `set-${label.toLowerCase().replace(/\W+/g, '-')}`; return h('div', { class: 'modal-field' }, h('label', { for: input.id }, label), input, about && h('small', {}, about)); };
const text = (value, props = {}) => { const input = h('input', { type: 'text', autocomplete: 'off', ...props }); input.value = value ?? ''; return input; };
const button = (label, run, kind = 'secondary', props = {}) => h('button', { type: 'button', class: `button ${kind}`, onclick: run, ...props }, label);
const toggle = (label, on, run, about, key = label) => h('label', { class: 'switch' }, h('span', {}, h('b', {}, label), about && h('small', {}, about)), h('input', { type: 'checkbox', role: 'switch', checked: on, 'data-key': key, onchange: (event) => run(event.target.checked) }));

function overview() {
  const guild = guildNow();
  const name = text(guild.name, { maxlength: '100', disabled: !may('ManageServer') });
  return [h('h3', {}, 'Overview'), field('Server name', name, may('ManageServer') ? null : 'It takes “Manage Server” to change this.'),
    h('div', { class: 'card-actions' }, button('Save', () => send({ change: 'guild', name: name.value }), 'primary', { disabled: !may('ManageServer') })),
    h('dl', { class: 'facts' }, [['Owner', userName((guild.members ?? []).find((each) => each.user?.id === guild.owner_id)?.user)], ['Members', String(guild.members?.length ?? 0)], ['Channels', String(guild.channels?.length ?? 0)], ['ID', guild.id]].flatMap(([term, value]) => [h('dt', {}, term), h('dd', {}, value)]))];
}

const sortedRoles = () => [...guildNow().roles].sort((a, b) => b.position - a.position || (a.id < b.id ? -1 : 1));
function roles() {
  const list = sortedRoles();
  const chosen = list.find((role) => role.id === open.role) ?? list[0];
  const holders = (role) => (role.id === state.guild ? guildNow().members.length : guildNow().members.filter((member) => member.roles?.includes(role.id)).length);
  const others = list.filter((role) => role.id !== state.guild);
  const move = (role, by) => {
    const ids = others.map((each) => each.id);
    const at = ids.indexOf(role.id);
    ids.splice(at, 1);
    ids.splice(at + by, 0, role.id);
    send({ change: 'role_order', ids });
  };
  return [h('h3', {}, 'Roles'), h('p', { class: 'soft' }, 'Higher roles stand above lower ones: nobody, bots neither, can change a role or a member that is not below their own highest role. Drag them, or press Alt with an arrow, to put them in another order.'),
    h('div', { class: 'card-actions' }, button('Create role', () => send({ change: 'new_role' }, (role) => { open.role = role.id; }), 'primary')),
    h('div', { class: 'two' },
      orderRoles(h('ul', { class: 'pick-list', 'aria-label': 'Roles' }, list.map((role) => h('li', {}, h('button', { type: 'button', class: 'entry', 'data-key': `role-${role.id}`, ...(role.id !== state.guild && may('ManageRoles') ? { draggable: 'true', 'aria-keyshortcuts': 'Alt+ArrowUp Alt+ArrowDown' } : {}), 'aria-current': role === chosen ? 'true' : null, onclick: () => { open.role = role.id; drawSettings(true); } },
        h('span', { class: 'swatch', style: roleColour(role) ? { '--role': roleColour(role) } : {} }), h('span', { class: 'entry-text' }, h('span', {}, role.name)), h('small', {}, `${holders(role)}`))))), others.map((role) => role.id), send),
      roleForm(chosen, others, move))];
}
function roleForm(role, others, move) {
  const everyone = role.id === state.guild;
  const name = text(role.name, { maxlength: '100', disabled: everyone });
  const colour = h('input', { type: 'color', 'aria-label': 'Colour' });
  colour.value = roleColour(role) ?? '#99aab5';
  const bits = BigInt(role.permissions);
  const to = (shape) => send({ change: 'role', id: role.id, ...shape });
  const at = others.indexOf(role);
  return h('div', { class: 'form' },
    !everyone && field('Role name', name),
    !everyone && h('div', { class: 'modal-field' }, h('b', {}, 'Colour'), h('div', { class: 'card-actions' }, colour, button('No colour', () => to({ color: 0 })), button('Save name and colour', () => to({ name: name.value, color: parseInt(colour.value.slice(1), 16) }), 'primary'))),
    !everyone && h('div', { class: 'card-actions' }, button('Move up', () => move(role, -1), 'secondary', { disabled: at <= 0, 'data-key': 'role-up' }), button('Move down', () => move(role, 1), 'secondary', { disabled: at === others.length - 1, 'data-key': 'role-down' }),
      !role.managed && button('Delete role', async () => { if (await confirmDialog(`Delete the role “${role.name}”?`, 'Everybody who has it loses it.', 'Delete')) send({ change: 'delete_role', id: role.id }, () => { open.role = null; }); }, 'danger')),
    !everyone && toggle('Show its members apart', role.hoist, (hoist) => to({ hoist }), null, 'hoist'),
    !everyone && toggle('Anyone can @mention it', role.mentionable, (mentionable) => to({ mentionable }), null, 'mentionable'),
    h('h4', {}, 'Permissions'),
    PERMISSIONS.map(([title, list]) => h('fieldset', {}, h('legend', {}, title), list.map(([bit, label, about]) => toggle(label, (bits & (1n << BigInt(bit))) !== 0n, (on) => to({ permissions: String(on ? bits | (1n << BigInt(bit)) : bits & ~(1n << BigInt(bit))) }), about, `bit-${bit}`)))));
}

const SHOWN_MEMBERS = 50;
function members() {
  const filter = text(open.filter, { placeholder: 'Find members', 'aria-label': 'Find members', oninput: () => { open.filter = filter.value; draw(); } });
  const list = h('ul', { class: 'pick-list wide' });
  const draw = () => {
    const typed = filter.value.trim().toLowerCase();
    const found = guildNow().members.filter(({ user, nick }) => [user.username, user.global_name, nick].some((each) => each?.toLowerCase().includes(typed)));
    list.replaceChildren(...found.slice(0, SHOWN_MEMBERS).map((member) => h('li', { class: 'member-line' }, avatar(member.user, 'small'), h('span', { class: 'entry-text' }, h('span', {}, userName(member.user), ' ', tag(member.user)), h('small', {}, member.user.username)),
      h('span', { class: 'roles' }, (member.roles ?? []).map((id) => guildNow().roles.find((role) => role.id === id)).filter(Boolean).map((role) => h('span', { class: 'role', style: roleColour(role) ? { '--role': roleColour(role) } : {} }, role.name))),
      button('Change', () => openMember(member.user), 'secondary', { 'aria-label': `Change ${userName(member.user)}` }))),
    found.length > SHOWN_MEMBERS ? h('li', { class: 'soft' }, `and ${found.length - SHOWN_MEMBERS} more: type to find them`) : '');
  };
  draw();
  const name = text('', { placeholder: 'Name', maxlength: '32' });
  const outside = state.people.filter((user) => !guildNow().members.some((member) => member.user?.id === user.id));
  return [h('h3', {}, 'Members'),
    h('form', { class: 'add', onsubmit: async (event) => {
      event.preventDefault();
      try { await api('POST', '/page/people', { name: name.value.trim(), guild_id: state.guild }); name.value = ''; open.note.hidden = true; } catch (error) { open.note.hidden = false; open.note.textContent = error.message; }
    } }, field('A new person joins', name), h('button', { type: 'submit', class: 'button primary' }, 'Join')),
    outside.length > 0 && h('div', { class: 'card-actions' }, h('span', { class: 'soft' }, 'Not here:'), outside.slice(0, 10).map((user) => button(`${userName(user)} joins`, () => send({ change: 'join', id: user.id })))),
    filter, list];
}

/** One member's nickname, roles, time-out; kick and ban. */
export function openMember(user) {
  const member = () => guildNow()?.members.find((each) => each.user?.id === user.id);
  if (!member()) return;
  const note = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const nick = text(member().nick, { id: 'member-nick', maxlength: '32', placeholder: user.global_name ?? user.username });
  const boxes = sortedRoles().filter((role) => role.id !== state.guild && !role.managed).map((role) => [role, h('input', { type: 'checkbox', checked: member().roles?.includes(role.id) })]);
  const managed = (member().roles ?? []).filter((id) => guildNow().roles.find((role) => role.id === id)?.managed);
  const away = member().communication_disabled_until && new Date(member().communication_disabled_until) > new Date();
  const timeout = h('select', { id: 'member-timeout' }, [['', away ? `Until ${new Date(member().communication_disabled_until).toLocaleString()}` : 'None'], ...(away ? [['0', 'End it']] : []), ['1', '1 minute'], ['10', '10 minutes'], ['60', '1 hour'], ['1440', '1 day'], ['10080', '1 week']].map(([value, label]) => h('option', { value }, label)));
  const act = async (body) => { try { await change(body); dialog.close(); drawSettings(true); } catch (error) { note.hidden = false; note.textContent = error.message; } };
  const dialog = openDialog(userName(user), [field('Nickname', nick),
    h('fieldset', { class: 'modal-field' }, h('legend', {}, 'Roles'), boxes.length ? boxes.map(([role, box]) => h('label', { class: 'tick' }, box, h('span', { class: 'swatch', style: roleColour(role) ? { '--role': roleColour(role) } : {} }), role.name)) : h('small', {}, 'This server has no roles to give.')),
    field('Time-out', timeout), note], [
    user.id !== state.me.id && button('Kick', () => act({ change: 'kick', id: user.id }), 'danger'), user.id !== state.me.id && button('Ban', () => act({ change: 'ban', id: user.id }), 'danger'),
    h('span', { class: 'gap' }), button('Cancel', () => dialog.close(), 'text'), h('button', { type: 'submit', class: 'button primary' }, 'Save')]);
  dialog.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault();
    const before = member();
    const wanted = [...managed, ...boxes.filter(([, box]) => box.checked).map(([role]) => role.id)];
    const held = before.roles ?? [];
    const body = { change: 'member', id: user.id };
    if ((nick.value.trim() || null) !== (before.nick ?? null)) body.nick = nick.value.trim() || null;
    if (wanted.length !== held.length || wanted.some((id) => !held.includes(id))) body.roles = wanted;
    if (timeout.value !== '') body.timeout_minutes = Number(timeout.value);
    act(body);
  });
}

const KINDS = { 0: 'Text', 2: 'Voice', 4: 'Category', 5: 'Announcement', 13: 'Stage', 15: 'Forum' };
function channels() {
  const list = (guildNow().channels ?? []).filter((channel) => KINDS[channel.type]);
  const chosen = list.find((channel) => channel.id === open.channel) ?? list.find((channel) => channel.type === 0) ?? list[0];
  return [h('h3', {}, 'Channels'), h('div', { class: 'card-actions' }, button('Create channel', () => { openNewChannel(); }, 'primary')),
    h('div', { class: 'two' }, h('ul', { class: 'pick-list', 'aria-label': 'Channels' }, list.map((channel) => h('li', {}, h('button', { type: 'button', class: 'entry', 'data-key': `channel-${channel.id}`, 'aria-current': channel === chosen ? 'true' : null, onclick: () => { open.channel = channel.id; drawSettings(true); } },
      icon(channel.type === 4 ? 'chevron' : channel.type === 2 ? 'voice' : 'hash'), h('span', { class: 'entry-text' }, h('span', {}, channel.name)))))), chosen ? channelForm(chosen) : '')];
}
function channelForm(channel) {
  const name = text(channel.name, { maxlength: '100' });
  const topic = h('textarea', { id: 'set-topic', rows: '2', maxlength: '1024' });
  topic.value = channel.topic ?? '';
  const parent = h('select', { id: 'set-category' }, h('option', { value: '' }, 'None'), guildNow().channels.filter((each) => each.type === 4).map((each) => h('option', { value: each.id, selected: each.id === channel.parent_id }, each.name)));
  return h('div', { class: 'form' }, field('Channel name', name), channel.type !== 4 && channel.type !== 2 && field('Topic', topic), channel.type !== 4 && field('Category', parent),
    h('div', { class: 'card-actions' }, button('Save', () => send({ change: 'channel', id: channel.id, name: name.value, ...(channel.type === 4 ? {} : { topic: topic.value, parent_id: parent.value || null }) }), 'primary'),
      button('Delete channel', async () => { if (await confirmDialog(`Delete “${channel.name}”?`, 'Its messages go with it.', 'Delete')) send({ change: 'delete_channel', id: channel.id }, () => { open.channel = null; }); }, 'danger')),
    overwrites(channel));
}

/** Who may what here, other than in the rest of the server: allowed, as elsewhere, or denied. */
function overwrites(channel) {
  const list = channel.permission_overwrites ?? [];
  const guild = guildNow();
  const nameOf = ({ id, type }) => (type === 0 ? guild.roles.find((role) => role.id === id)?.name ?? 'a role' : userName(guild.members.find((member) => member.user?.id === id)?.user));
  const chosen = list.find((each) => each.id === open.overwrite) ?? list[0] ?? { id: guild.id, type: 0, allow: '0', deny: '0' };
  const put = (overwrite) => send({ change: 'channel', id: channel.id, permission_overwrites: [...list.filter((each) => each.id !== overwrite.id), overwrite] });
  const everyone = list.find((each) => each.id === guild.id) ?? { id: guild.id, type: 0, allow: '0', deny: '0' };
  const isPrivate = (BigInt(everyone.deny) & BITS.ViewChannels) !== 0n;
  const add = h('select', { 'aria-label': 'Add a role or a member' }, h('option', { value: '' }, 'Add a role or a member…'),
    sortedRoles().filter((role) => !list.some((each) => each.id === role.id)).map((role) => h('option', { value: `0:${role.id}` }, `Role: ${role.name}`)),
    guild.members.slice(0, 500).filter((member) => !list.some((each) => each.id === member.user.id)).map((member) => h('option', { value: `1:${member.user.id}` }, userName(member.user))));
  add.addEventListener('change', () => { const [type, id] = add.value.split(':'); if (id) { open.overwrite = id; put({ id, type: Number(type), allow: '0', deny: '0' }); } });
  const groups = PERMISSIONS.filter(([title]) => title !== 'Dangerous' && (channel.type === 2 || channel.type === 13 || channel.type === 4 || title !== 'Voice channels'));
  const row = ([bit, label]) => {
    const mask = 1n << BigInt(bit);
    const now = BigInt(chosen.deny) & mask ? 'deny' : BigInt(chosen.allow) & mask ? 'allow' : 'none';
    const to = (value) => put({ ...chosen, allow: String(value === 'allow' ? BigInt(chosen.allow) | mask : BigInt(chosen.allow) & ~mask), deny: String(value === 'deny' ? BigInt(chosen.deny) | mask : BigInt(chosen.deny) & ~mask) });
    return h('div', { class: 'switch', role: 'radiogroup', 'aria-label': label }, h('span', {}, h('b', {}, label)), h('span', { class: 'three' }, [['deny', '✕', 'Deny'], ['none', '/', 'As elsewhere'], ['allow', '✓', 'Allow']].map(([value, sign, name]) => h('button', { type: 'button', role: 'radio', class: value, 'aria-checked': String(now === value), 'aria-label': name, title: name, 'data-key': `over-${bit}-${value}`, onclick: () => to(value) }, sign))));
  };
  return [h('h4', {}, 'Permissions in this channel'),
    toggle('Private channel', isPrivate, (on) => put({ ...everyone, allow: String(BigInt(everyone.allow) & ~BITS.ViewChannels), deny: String(on ? BigInt(everyone.deny) | BITS.ViewChannels : BigInt(everyone.deny) & ~BITS.ViewChannels) }), 'Only those whom a role or an own entry allows to see it, and administrators.', 'private'),
    h('div', { class: 'card-actions' }, list.map((each) => h('button', { type: 'button', class: 'role', 'data-key': `overwrite-${each.id}`, 'aria-pressed': String(each.id === chosen.id), onclick: () => { open.overwrite = each.id; drawSettings(true); } }, nameOf(each))), add),
    h('div', { class: 'card-actions' }, h('b', {}, nameOf(chosen)), list.includes(chosen) && button('Remove', () => send({ change: 'channel', id: channel.id, permission_overwrites: list.filter((each) => each !== chosen) }), 'text')),
    groups.map(([title, all]) => h('fieldset', {}, h('legend', {}, title), all.map(row)))];
}

function bans() {
  const list = h('ul', { class: 'pick-list wide' }, h('li', { class: 'soft' }, 'Reading…'));
  api('GET', `/page/bans?${new URLSearchParams({ as: state.me.id, guild_id: state.guild })}`).then((found) => list.replaceChildren(...(found.length ? found.map(({ user, reason }) => h('li', { class: 'member-line' }, avatar(user, 'small'), h('span', { class: 'entry-text' }, h('span', {}, userName(user)), h('small', {}, reason ?? 'No reason given')), button('Revoke ban', () => send({ change: 'unban', id: user.id })))) : [h('li', { class: 'soft' }, 'Nobody is banned.')])),
    (error) => list.replaceChildren(h('li', { class: 'wrong' }, error.message)));
  return [h('h3', {}, 'Bans'), list];
}

export function openNewChannel(parent = null) {
  const name = text('', { id: 'new-channel', required: true, maxlength: '100', placeholder: 'new-channel' });
  const kinds = Object.entries(KINDS).filter(([type]) => [0, 2, 4, 5, 15].includes(Number(type)));
  const kind = h('select', { id: 'new-kind' }, kinds.map(([value, label]) => h('option', { value }, label)));
  const hidden = h('input', { type: 'checkbox' });
  const note = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const dialog = openDialog('Create channel', [field('Type', kind), field('Name', name), h('label', { class: 'tick' }, hidden, 'Private: only administrators and those whom you add see it'), note], [button('Cancel', () => dialog.close(), 'text'), h('button', { type: 'submit', class: 'button primary' }, 'Create')]);
  dialog.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const type = Number(kind.value);
    const overwrite = { id: state.guild, type: 0, allow: '0', deny: String(BITS.ViewChannels) };
    try {
      const made = await change({ change: 'new_channel', type, name: name.value, parent_id: type === 4 ? null : parent, ...(hidden.checked ? { permission_overwrites: [overwrite, { id: state.me.id, type: 1, allow: String(BITS.ViewChannels), deny: '0' }] } : {}) });
      dialog.close();
      open.channel = made.id;
      drawSettings(true);
    } catch (error) { note.hidden = false; note.textContent = error.message; }
  });
  name.focus();
}

export function openNewGuild() {
  const name = text('', { id: 'new-guild', required: true, maxlength: '100', placeholder: 'My server' });
  const note = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const dialog = openDialog('Create a server', [field('Server name', name, 'The bot and everybody of the first server are in it.'), note], [button('Cancel', () => dialog.close(), 'text'), h('button', { type: 'submit', class: 'button primary' }, 'Create')]);
  dialog.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    try { await api('POST', '/page/settings', { as: state.me.id, change: 'new_guild', name: name.value }); dialog.close(); } catch (error) { note.hidden = false; note.textContent = error.message; }
  });
  name.focus();
}
$('place').addEventListener('contextmenu', (event) => { if (state.guild) { event.preventDefault(); openSettings(); } });
