// Who is there and who one acts as: the bot's state, members, the card of a person, the switch between people.

import { $, h, icon, iconButton, openDialog, openMenu, showPopover } from './dom.js';
import { botName, findRole, guildNow, memberColour, memberOf, membersNow, presenceIn, roleColour, state, userName } from './state.js';
import { openDirect } from './places.js';
import { DAY } from './time.js';
import { complain, insertMention } from './composer.js';
import { menuCommands, useMenu } from './interaction.js';
import { api } from './server.js';
import { connect, wanted } from './live.js';
import { personMenu } from './menus.js';
import { drawSettings } from './settings.js';

export const avatar = (user, kind = '') => {
  const name = userName(user);
  const words = name.split(/[\s_.-]+/u).filter(Boolean);
  const initials = (words.length > 1 ? [...words[0]][0] + [...words[1]][0] : [...name].slice(0, 2).join('')).toUpperCase();
  // The golden angle keeps those apart who came one after the other.
  const place = Number(BigInt(user?.id ?? 0) & 0xfffn) + Number(BigInt(user?.id ?? 0) >> 22n & 0x3ffn);
  return h('span', { class: `avatar ${kind} ${user?.bot ? 'bot' : ''}`, style: { '--hue': (200 + place * 137.508).toFixed() }, 'aria-hidden': 'true' }, initials);
};
export const tag = (user) => (user?.bot ? h('span', { class: 'tag' }, 'APP') : null);

const ACTIVITIES = { 0: 'Playing', 1: 'Streaming', 2: 'Listening to', 3: 'Watching', 5: 'Competing in' };
/** How the bot presents itself: the kind of its dot, and what it says that it does. */
function presenceOf(user) {
  const isBot = user.id === state.bot?.id;
  const presence = isBot ? state.presence : presenceIn(user.id);
  const status = isBot && !state.online ? 'offline' : presence?.status ?? 'online';
  const activity = presence?.activities?.[0];
  const doing = status === 'offline' || !activity ? '' : activity.type === 4 ? activity.state ?? activity.name : `${ACTIVITIES[activity.type] ?? ''} ${activity.name}`.trim();
  return { status: status === 'invisible' ? 'offline' : status, doing };
}

export function drawBotState() {
  const name = botName();
  $('bot-state').className = state.online ? 'online' : 'offline';
  $('bot-state').replaceChildren(...(state.bot ? [h('span', { class: 'dot', 'aria-hidden': 'true' }), h('span', {}, h('b', {}, name), state.online ? ' is online' : ' is offline'),
    state.online ? '' : h('small', {}, 'Nobody will answer until the bot connects.')] : []));
}

/** Heights of the list's lines, in pixels: those in view are drawn, and a few around them. */
const LINE = { head: 40, member: 46 };
const AROUND = 400;
let lines = [];
let total = 0;
const ORDER = new Intl.Collator(undefined, { sensitivity: 'base' });

let membersWanted = false;
/** Once for all changes of a burst. */
export function drawMembers() {
  if (membersWanted) return;
  membersWanted = true;
  requestAnimationFrame(() => { membersWanted = false; layMembers(); drawSettings(); });
}

function layMembers() {
  const guild = guildNow();
  const hoisted = (guild?.roles ?? []).filter((role) => role.hoist && role.id !== guild.id).sort((a, b) => b.position - a.position);
  const groups = new Map();
  for (const member of membersNow()) {
    const { user } = member;
    if (!user) continue;
    const away = presenceOf(user).status === 'offline';
    const role = hoisted.find((each) => member.roles?.includes(each.id));
    const title = away ? 'Offline' : role?.name ?? 'Online';
    if (!groups.has(title)) groups.set(title, { rank: away ? -2 : role?.position ?? -1, members: [] });
    groups.get(title).members.push([userName(user), member]);
  }
  lines = [];
  let top = 0;
  for (const [title, { members }] of [...groups].sort(([, a], [, b]) => b.rank - a.rank)) {
    lines.push({ top, height: LINE.head, title: `${title} — ${members.length}` });
    top += LINE.head;
    for (const [name, member] of members.sort(([a], [b]) => ORDER.compare(a, b))) {
      lines.push({ top, height: LINE.member, name, member });
      top += LINE.member;
    }
  }
  total = top;
  drawMembersInView(true);
}

let drawnFrom = -1;
let drawnTo = -1;
function drawMembersInView(anew = false) {
  const box = $('members');
  const { scrollTop } = box;
  const from = Math.max(0, lines.findIndex((line) => line.top + line.height >= scrollTop - AROUND));
  let to = from;
  while (to < lines.length && lines[to].top < scrollTop + (box.clientHeight || 800) + AROUND) to += 1;
  if (!anew && from === drawnFrom && to === drawnTo) return;
  [drawnFrom, drawnTo] = [from, to];
  const held = box.contains(document.activeElement) ? document.activeElement.dataset.user : undefined;
  const nodes = lines.slice(from, to).map((line) => {
    const node = line.title ? h('h2', {}, line.title) : memberNode(line.member, line.name);
    Object.assign(node.style, { position: 'absolute', insetInline: '0', top: `${line.top}px`, height: `${line.height}px` });
    return node;
  });
  const inner = h('div', {}, nodes);
  inner.style.height = `${total}px`;
  box.replaceChildren(inner);
  box.scrollTop = scrollTop;
  const buttons = [...box.querySelectorAll('[data-user]')];
  const stop = buttons.find((node) => node.dataset.user === held) ?? buttons[0];
  for (const node of buttons) node.tabIndex = node === stop ? 0 : -1;
  if (held !== undefined && stop?.dataset.user === held) stop.focus({ preventScroll: true });
}
$('members').addEventListener('scroll', () => drawMembersInView(), { passive: true });
new ResizeObserver(() => drawMembersInView()).observe($('members'));

function memberNode(member, name) {
  const { user } = member;
  const { status, doing } = presenceOf(user);
  const away = status === 'offline';
  const colour = memberColour(user.id);
  const timedOut = member.communication_disabled_until && new Date(member.communication_disabled_until) > new Date();
  return h('button', { type: 'button', class: `member ${away ? 'away' : ''}`, tabindex: '-1', 'data-user': user.id, onclick: (event) => openCard(event.currentTarget, user), oncontextmenu: (event) => personMenu(event, user) },
    h('span', { class: 'presence' }, avatar(user, 'small'), h('span', { class: `dot ${status}`, role: 'img', 'aria-label': status })),
    h('span', { class: 'member-text' }, h('span', { class: 'member-name', style: colour ? { '--role': colour } : {} }, name), ' ', tag(user), user.id === state.me?.id && h('small', {}, ' you'), guildNow()?.owner_id === user.id && h('span', { title: 'Server owner', role: 'img', 'aria-label': 'Server owner' }, ' 👑'),
      timedOut && h('small', {}, ' timed out'), doing && h('small', { class: 'doing', title: doing }, doing)));
}

$('who').addEventListener('click', () => openPeople($('who')));
export function drawSelf() {
  $('who').hidden = !state.me;
  if (state.me) {
    $('who').replaceChildren(avatar(state.me, 'small'), h('span', { class: 'aside' }, 'You are '), h('span', { class: self === top ? 'aside' : '' }, userName(state.me)), h('span', { class: 'aside' }, '. Switch person'));
  }
  if (!state.me) { $('self').replaceChildren(); return; }
  $('self').replaceChildren(h('button', { type: 'button', id: 'switch', 'aria-haspopup': 'menu', onclick: (event) => openPeople(event.currentTarget) },
    h('span', { class: 'presence', style: { '--around': 'var(--self)' } }, avatar(state.me), h('span', { class: `dot ${presenceOf(state.me).status}`, 'aria-hidden': 'true' })), h('span', { class: 'who' }, h('small', {}, 'Acting as'), ' ', h('b', {}, userName(state.me)), h('span', { class: 'aside' }, '. Switch person')), icon('chevron')),
    iconButton('smile', 'Set a status', (event) => openStatus(event.currentTarget)));
}

const STATUSES = [['online', 'Online', ''], ['idle', 'Idle', ''], ['dnd', 'Do not disturb', ''], ['invisible', 'Invisible', 'Others, and bots, see this person as offline']];
function openStatus(anchor) {
  const now = presenceOf(state.me).status;
  const set = (body) => api('POST', '/page/presence', { as: state.me.id, ...body }).catch((error) => complain(error.message));
  openMenu(anchor, 'Status', [...STATUSES.map(([status, label, detail]) => ({ label, detail, face: h('span', { class: `dot ${status === 'invisible' ? 'offline' : status}` }), checked: (status === 'invisible' ? 'offline' : status) === now, icon: 'check', run: () => set({ status }) })),
    { label: 'Write what you do…', icon: 'edit', run: () => {
      const text = h('input', { type: 'text', id: 'status-text', maxlength: '128', autocomplete: 'off' });
      text.value = presenceOf(state.me).doing;
      const dialog = openDialog('Custom status', h('div', { class: 'modal-field' }, h('label', { for: 'status-text' }, 'What do you do?'), text), [h('button', { type: 'button', class: 'button text', onclick: () => dialog.close() }, 'Cancel'), h('button', { type: 'submit', class: 'button primary' }, 'Save')]);
      dialog.querySelector('form').addEventListener('submit', () => set({ status: now === 'offline' ? 'invisible' : now, text: text.value }));
      text.focus();
    } }]);
}

function openPeople(anchor) {
  const name = h('input', { type: 'text', placeholder: 'Name', 'aria-label': 'Name of the new person', maxlength: '32', autocomplete: 'off' });
  const note = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const people = state.people.filter((user) => !user.bot);
  const items = people.map((user) => h('div', { class: 'person', role: 'none' }, h('button', {
    type: 'button', role: 'menuitemradio', class: 'entry', 'aria-checked': String(user.id === state.me.id), onclick: () => { popover.hidePopover(); actAs(user.id); },
  }, avatar(user, 'small'), h('span', { class: 'entry-text' }, h('span', {}, userName(user)), user.global_name && user.global_name !== user.username && h('small', {}, user.username)), icon('check')),
    user.id !== state.me.id && self === top && h('button', { type: 'button', role: 'menuitem', class: 'tool', 'aria-label': `Open ${userName(user)} beside this`, title: 'Open beside', onclick: () => openBeside(user) }, icon('beside'))));
  const add = async (event) => {
    event.preventDefault();
    try {
      const user = await api('POST', '/page/people', { name: name.value.trim(), ...(state.guild ? { guild_id: state.guild } : {}) });
      popover.hidePopover();
      actAs(user.id);
    } catch (error) { note.hidden = false; note.textContent = error.message; }
  };
  const popover = h('div', { class: 'popover people', popover: 'auto' },
    h('h2', {}, 'Act as'), h('div', { role: 'menu', 'aria-label': 'People', class: 'entries' }, items),
    h('form', { class: 'add', onsubmit: add }, name, h('button', { type: 'submit', class: 'button secondary' }, icon('plus'), 'Add'), note));
  popover.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...popover.querySelectorAll('button, input')];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  });
  popover.addEventListener('toggle', (event) => { if (event.newState === 'closed') { popover.remove(); if (anchor.isConnected) anchor.focus(); } });
  showPopover(popover, anchor, anchor.offsetWidth);
  (popover.querySelector('[aria-checked="true"]') ?? popover.querySelector('button') ?? name).focus();
}

export function openCard(anchor, user) {
  const member = memberOf(user.id);
  const roles = (member?.roles ?? []).map(findRole).filter(Boolean).sort((a, b) => b.position - a.position);
  const act = (label, run, kind = 'secondary') => h('button', { type: 'button', class: `button ${kind}`, onclick: () => { popover.hidePopover(); run(); } }, label);
  const isPerson = state.people.some((each) => each.id === user.id) && !user.bot;
  const { status, doing } = presenceOf(user);
  const popover = h('div', { class: 'popover card', popover: 'auto', role: 'dialog', 'aria-label': userName(user) },
    h('div', { class: 'banner', style: { '--hue': avatar(user).style.getPropertyValue('--hue') } }),
    h('div', { class: 'card-head' }, h('span', { class: 'presence', style: { '--around': 'var(--float)' } }, avatar(user, 'large'), member && h('span', { class: `dot ${status}`, role: 'img', 'aria-label': status })), isPerson || member ? iconButton('more', 'More', (event) => { popover.hidePopover(); personMenu(event, user, anchor); }) : ''),
    h('div', { class: 'card-body' }, h('b', {}, userName(user)), ' ', tag(user), h('small', {}, user.username, member?.nick && user.global_name ? ` · ${user.global_name}` : ''), doing && h('p', {}, doing),
      member?.joined_at && h('p', {}, h('small', {}, `Member since ${DAY.format(new Date(member.joined_at))}`)),
      roles.length > 0 && h('div', { class: 'roles' }, roles.map((role) => h('span', { class: 'role' }, h('span', { class: 'swatch', style: roleColour(role) ? { '--role': roleColour(role) } : {} }), role.name))),
      h('p', { class: 'id' }, 'ID ', h('code', {}, user.id), iconButton('copy', 'Copy ID', () => navigator.clipboard?.writeText(user.id))),
      h('div', { class: 'card-actions' },
        act('Mention', () => insertMention(user)),
        menuCommands(2).map((command) => act(command.name, () => useMenu(command, user.id))),
        user.id === state.bot?.id && act('Message', openDirect),
        isPerson && user.id !== state.me.id && act(`Act as ${userName(user)}`, () => actAs(user.id), 'primary'))));
  popover.addEventListener('toggle', (event) => { if (event.newState === 'closed') popover.remove(); });
  showPopover(popover, anchor);
  popover.querySelector('.card-actions button')?.focus();
}

/** This person and another one in two halves of the window. */
export function openBeside(user) {
  const own = new URLSearchParams({ as: state.me.id, channel: state.channel ?? '' });
  const other = new URLSearchParams({ as: user.id, channel: state.guild ? state.channel : '' });
  location.href = `/?${new URLSearchParams({ beside: `${own}|${other}` })}`;
}

export function actAs(id) {
  if (id === state.me?.id) return;
  wanted.as = id;
  connect();
}
