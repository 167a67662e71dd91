// The panel with the wire's traffic: gateway payloads in both directions, REST calls with bodies and limits, and buttons that
// cause faults. It asks the sandbox for nothing while it is closed or paused; the sandbox keeps the newest entries.

import { $, h, icon, iconButton, openMenu } from './dom.js';
import { errorLines, jsonNode } from './json.js';
import { complain } from './composer.js';
import { api } from './server.js';
import { limits } from './limits.js';
import { recorder } from './recording.js';

/** Entries that are shown, at most: what the sandbox keeps. */
const KEPT = 2000;
/** Violations that are listed, at most. */
const VIOLATIONS = 50;
const KINDS = [['all', 'All'], ['gateway', 'Gateway'], ['rest', 'REST'], ['errors', 'Errors']];
const OPS = { 0: 'DISPATCH', 1: 'HEARTBEAT', 2: 'IDENTIFY', 3: 'PRESENCE UPDATE', 4: 'VOICE STATE UPDATE', 6: 'RESUME', 7: 'RECONNECT', 8: 'REQUEST GUILD MEMBERS', 9: 'INVALID SESSION', 10: 'HELLO', 11: 'HEARTBEAT ACK', 31: 'REQUEST SOUNDBOARD SOUNDS', 43: 'REQUEST CHANNEL INFO' };
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' });

export const FAULTS = [
  ['Drop the connection', 'Without a word: the bot resumes', { fault: 'drop' }],
  ['Ask to reconnect', 'Op 7', { fault: 'reconnect' }],
  ['Invalid session, resumable', 'Op 9, true', { fault: 'invalid_session', resumable: true }],
  ['Invalid session, not resumable', 'Op 9, false: the bot identifies anew', { fault: 'invalid_session', resumable: false }],
  ['Close with 4000', 'Unknown error: the bot resumes', { fault: 'close', code: 4000 }],
  ['Silence', 'Nothing comes on this connection, not even to heartbeats', { fault: 'silence' }],
  ['Slow', 'Every payload half a second later', { fault: 'slow', seconds: 0.5 }],
  ['Full speed', 'Ends silence and slowness', { fault: 'full_speed' }],
  ['Unreadable event', 'JSON that ends in the middle', { fault: 'undecodable', kind: 'broken_json' }],
  ['Next REST call: 500', 'Internal Server Error', { fault: 'rest_error', status: 500 }],
  ['Next REST call: 429', 'Rate limited for one second', { fault: 'rest_limited', retry_after: 1 }],
  ['Next REST call: cut off', 'In the middle of the answer', { fault: 'rest_cut' }],
];

const panel = $('traffic');
let entries = [];
let chosen = null;
let socket = null;
let retry = null;
let paused = false;
let kind = 'all';
let missed = 0;
let refusals = 0;
/** The sandbox that the entries are of: one that was started anew counts from one again. */
let run = null;
/** What was found against Discord's specification while this page was open, newest last. */
let violations = [];
const ui = {};

const isError = (entry) => entry.status >= 400 || entry.violations?.length > 0 || (entry.kind === 'note' && !/^connected/.test(entry.name));
const nameOf = (entry) => (entry.kind === 'rest' ? `${entry.method} ${entry.path.replace(/^\/api\/v\d+/, '')}` : entry.name ?? (entry.op === null ? 'UNREADABLE' : OPS[entry.op] ?? `OP ${entry.op}`));
/** In the list ids and tokens are shown by their ends only. */
const shortName = (entry) => nameOf(entry).replace(/[\w-]{14,}/g, (id) => (/\d/.test(id) ? `…${id.slice(-4)}` : id));
const sizeOf = (bytes) => (bytes >= 1 << 20 ? `${(bytes / (1 << 20)).toFixed(1)} MB` : bytes >= 1000 ? `${(bytes / 1000).toFixed(1)} kB` : `${bytes} B`);
const textOf = (entry) => `${nameOf(entry)} ${entry.op ?? ''} ${entry.status ?? ''} ${entry.sequence ?? ''} ${entry.error ?? ''} ${(entry.violations ?? []).map((each) => `${each.pointer} ${each.text}`).join(' ')} ${entry.preview ?? ''}`.toLowerCase();

function fits(entry) {
  if (kind === 'gateway' ? entry.kind === 'rest' : kind === 'rest' ? entry.kind !== 'rest' : kind === 'errors' && !isError(entry)) return false;
  return ui.filter.value.toLowerCase().split(/\s+/).every((word) => !word || textOf(entry).includes(word));
}

function build() {
  ui.filter = h('input', { type: 'search', 'aria-label': 'Filter the traffic', placeholder: 'Filter by text', autocomplete: 'off', spellcheck: 'false', oninput: drawList });
  ui.kinds = KINDS.map(([value, label]) => h('button', { type: 'button', class: 'chip', 'aria-pressed': String(value === kind), onclick: () => setKind(value) }, label));
  ui.count = h('span', { class: 'traffic-count' });
  ui.pause = iconButton('pause', 'Pause', () => setPaused(!paused));
  ui.list = h('div', { class: 'traffic-list', role: 'listbox', tabindex: '0', 'aria-label': 'Traffic entries, newest last', onkeydown: listKeys });
  ui.detail = h('div', { class: 'traffic-detail', role: 'region', 'aria-label': 'The chosen entry', tabindex: '-1' });
  const edge = h('div', { class: 'traffic-edge', role: 'separator', tabindex: '0', 'aria-orientation': 'horizontal', 'aria-label': 'Height of the traffic panel', 'aria-valuemin': '20', 'aria-valuemax': '80' });
  const setHeight = (percent) => {
    const height = Math.round(Math.min(80, Math.max(20, percent)));
    panel.style.setProperty('--height', `${height}dvh`);
    edge.setAttribute('aria-valuenow', String(height));
    localStorage.setItem('traffic-height', String(height));
  };
  setHeight(Number(localStorage.getItem('traffic-height')) || 42);
  edge.addEventListener('keydown', (event) => {
    const step = { ArrowUp: 5, ArrowDown: -5 }[event.key];
    if (step) { setHeight(Number(edge.getAttribute('aria-valuenow')) + step); event.preventDefault(); }
  });
  edge.addEventListener('pointerdown', (event) => {
    edge.setPointerCapture(event.pointerId);
    const move = ({ clientY }) => setHeight(100 - (clientY / innerHeight) * 100);
    edge.addEventListener('pointermove', move);
    edge.addEventListener('lostpointercapture', () => edge.removeEventListener('pointermove', move), { once: true });
  });
  panel.append(edge,
    h('header', { class: 'traffic-bar' }, h('h2', {}, 'Traffic'), h('div', { class: 'chips', role: 'group', 'aria-label': 'Kind of traffic' }, ui.kinds), ui.filter, ui.count,
      h('button', { type: 'button', class: 'button secondary', 'aria-haspopup': 'menu', onclick: (event) => openFaults(event.currentTarget) }, icon('bolt'), 'Faults'),
      limits(), recorder(), ui.pause, iconButton('delete', 'Clear', clear), iconButton('close', 'Close the traffic (Ctrl+`)', () => showTraffic(false))),
    ui.list, ui.detail);
  panel.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    event.preventDefault();
    if (event.target === ui.filter && ui.filter.value) { ui.filter.value = ''; drawList(); } else showTraffic(false);
  });
}

export function openFaults(anchor) {
  openMenu(anchor, 'Cause a fault', FAULTS.map(([label, detail, fault]) => ({
    label, detail, run: async () => { try { await api('POST', '/page/faults', fault); } catch (error) { complain(error.message); } },
  })));
}

function connect() {
  clearTimeout(retry);
  const own = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/page/traffic?after=${entries.at(-1)?.id ?? 0}${run === null ? '' : `&run=${run}`}`);
  socket = own;
  own.addEventListener('message', ({ data }) => { if (own === socket) take(JSON.parse(data).data); });
  own.addEventListener('close', () => { if (own === socket) { socket = null; retry = setTimeout(() => { if (!panel.hidden && !paused) connect(); }, 1000); } });
}
function disconnect() {
  clearTimeout(retry);
  const old = socket;
  socket = null;
  old?.close();
}

function take({ run: from, entries: fresh, skipped }) {
  const isAnother = run !== null && run !== from;
  run = from;
  if (isAnother) { entries = []; missed = 0; violations = []; ui.list.replaceChildren(); choose(null); }
  else if (entries.length) missed += skipped;
  const atEnd = ui.list.scrollHeight - ui.list.scrollTop - ui.list.clientHeight < 60;
  entries.push(...fresh);
  const gone = entries.splice(0, Math.max(0, entries.length - KEPT));
  for (const entry of gone) $(`t-${entry.id}`)?.remove();
  ui.list.append(...fresh.slice(-KEPT).filter(fits).map(row));
  drawCount();
  if (atEnd) ui.list.scrollTop = ui.list.scrollHeight;
}

function row(entry) {
  const rest = entry.kind === 'rest';
  const way = rest ? ['⇄', 'REST call'] : entry.kind === 'note' ? ['•', 'Connection'] : entry.from_bot ? ['↑', 'From the bot'] : ['↓', 'To the bot'];
  return h('div', { role: 'option', id: `t-${entry.id}`, class: `entry-row ${entry.kind} ${isError(entry) ? 'wrong-row' : ''}`, 'aria-selected': String(entry.id === chosen), onclick: () => choose(entry.id) },
    h('span', { class: 'when' }, CLOCK.format(entry.at)),
    h('span', { class: `way ${entry.from_bot ? 'up' : ''}`, title: way[1], role: 'img', 'aria-label': way[1] }, way[0]),
    h('span', { class: 'name', title: nameOf(entry) }, shortName(entry)),
    rest ? h('span', { class: `status ${entry.status >= 400 ? 'bad' : 'good'}` }, String(entry.status)) : entry.kind === 'gateway' ? h('span', { class: 'op' }, entry.op === null ? '' : `op ${entry.op}`) : h('span'),
    h('span', { class: 'number' }, rest ? `${entry.took_ms.toFixed(1)} ms` : entry.sequence ? `s ${entry.sequence}` : entry.kind === 'note' ? `#${entry.connection}` : ''),
    h('span', { class: 'number' }, entry.size === undefined ? '' : sizeOf(entry.size)));
}

function drawList() {
  ui.list.replaceChildren(...entries.filter(fits).map(row));
  drawCount();
  const selected = $(`t-${chosen}`);
  if (selected) selected.scrollIntoView({ block: 'nearest' }); else ui.list.scrollTop = ui.list.scrollHeight;
  ui.list.setAttribute('aria-activedescendant', selected?.id ?? '');
}
function drawCount() {
  const shown = ui.list.childElementCount;
  ui.count.textContent = `${shown === entries.length ? entries.length : `${shown} of ${entries.length}`}${missed ? `, ${missed} missed` : ''}${paused ? ', paused' : ''}`;
}

function setKind(value) {
  kind = value;
  ui.kinds.forEach((button, at) => button.setAttribute('aria-pressed', String(KINDS[at][0] === value)));
  drawList();
}
function setPaused(value) {
  paused = value;
  ui.pause.replaceChildren(icon(paused ? 'play' : 'pause'));
  ui.pause.setAttribute('aria-label', paused ? 'Go on' : 'Pause');
  ui.pause.title = paused ? 'Go on' : 'Pause';
  if (paused) disconnect(); else connect();
  drawCount();
}
/** What was there is forgotten by this page; the newest stays as the place to go on from. */
function clear() {
  const last = entries.at(-1);
  entries = [];
  missed = 0;
  violations = [];
  ui.list.replaceChildren();
  choose(null);
  if (last) { entries = [last]; drawList(); }
}

function listKeys(event) {
  const rows = [...ui.list.children];
  if (!rows.length) return;
  const at = rows.findIndex((node) => node.id === `t-${chosen}`);
  const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? rows.length - 1 : at - 1, PageDown: at + 10, PageUp: at - 10, Home: 0, End: rows.length - 1 }[event.key];
  if (to !== undefined) choose(Number(rows[Math.min(Math.max(to, 0), rows.length - 1)].id.slice(2)));
  else if (event.key === 'Enter' && at >= 0) ui.detail.querySelector('pre')?.focus();
  else return;
  event.preventDefault();
}

async function choose(id) {
  $(`t-${chosen}`)?.setAttribute('aria-selected', 'false');
  chosen = id;
  const node = $(`t-${id}`);
  node?.setAttribute('aria-selected', 'true');
  node?.scrollIntoView({ block: 'nearest' });
  ui.list.setAttribute('aria-activedescendant', node?.id ?? '');
  if (id === null) { drawDetail(null); return; }
  try {
    const detail = await api('GET', `/page/traffic/${id}`);
    if (chosen === id) drawDetail(detail);
  } catch (error) { if (chosen === id) drawDetail(null, error.message); }
}

function violationLine({ of, what, pointer, rule, text }) {
  const whose = { request: 'The bot’s request', answer: 'The sandbox’s answer to', event: 'The sandbox’s event' }[of] ?? of;
  return h('li', {}, `${whose} ${what}, at `, h('code', {}, pointer), `: ${text} (rule ${rule})`);
}

function drawDetail(entry, problem) {
  panel.classList.toggle('with-detail', Boolean(entry || problem || violations.length));
  const part = (title, ...content) => h('section', {}, h('h3', {}, title), content);
  const against = (found) => part('Against Discord’s specification', h('ul', {}, found.map(violationLine)));
  if (!entry) { ui.detail.replaceChildren(h('p', { class: 'nothing' }, problem ?? 'Choose an entry to see what was said.'), violations.length ? against(violations) : ''); return; }
  const wrong = errorLines(entry.answer?.errors);
  const limits = Object.entries(entry.headers ?? {});
  const whole = entry.kind === 'rest' ? { request: entry.request, answer: entry.answer } : entry.payload;
  ui.detail.replaceChildren(
    h('div', { class: 'detail-head' }, h('b', {}, nameOf(entry)), entry.status ? h('span', { class: `status ${entry.status >= 400 ? 'bad' : 'good'}` }, String(entry.status)) : '',
      whole === undefined ? '' : iconButton('copy', 'Copy as JSON', () => navigator.clipboard?.writeText(JSON.stringify(whole, null, 2))), iconButton('close', 'Close the entry', () => { choose(null); ui.list.focus(); })),
    h('p', { class: 'about' }, [CLOCK.format(entry.at), entry.kind === 'rest' ? `answered in ${entry.took_ms.toFixed(2)} ms` : entry.kind === 'gateway' ? `${entry.from_bot ? 'from the bot' : 'to the bot'} on connection ${entry.connection}` : `connection ${entry.connection}`, entry.size !== undefined && `${entry.size} bytes`].filter(Boolean).join(' · ')),
    ...(entry.kind === 'rest' ? [
      entry.violations?.length > 0 && against(entry.violations),
      entry.status >= 400 && part('Refused', h('p', { class: 'wrong' }, entry.answer?.message ?? entry.error ?? ''), h('ul', {}, wrong.map(({ place, text }) => h('li', {}, place && h('code', {}, place), place && ' ', text)))),
      entry.request !== null && part('Request', jsonNode(entry.request, 'Request')),
      entry.answer !== null && part('Answer', jsonNode(entry.answer, 'Answer')),
      limits.length > 0 && part('Rate limit', h('dl', {}, limits.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]))),
    ] : [entry.payload !== undefined && part('Payload', jsonNode(entry.payload, 'Payload'))]).filter(Boolean));
  ui.detail.scrollTop = 0;
}

/** Opens or closes the panel; `filter` shows only entries with that text. */
export function showTraffic(open = panel.hidden, filter = null) {
  if (!ui.list) build();
  const held = panel.contains(document.activeElement);
  panel.hidden = !open;
  document.body.classList.toggle('traffic-open', open);
  $('show-traffic').setAttribute('aria-pressed', String(open));
  if (!open) {
    disconnect();
    if (held) $('show-traffic').focus();
    return;
  }
  refusals = 0;
  drawRefusals();
  if (filter !== null) { ui.filter.value = filter; setKind('all'); }
  if (!chosen) drawDetail(null);
  if (!socket && !paused) connect();
  ui.list.focus({ preventScroll: true });
}
export const openTraffic = (path) => showTraffic(true, path.replace(/^\/api\/v\d+/, ''));

export function noteRefusal() {
  if (!panel.hidden) return;
  refusals += 1;
  drawRefusals();
}
/** What breaks Discord's specification is listed where no entry is chosen: an event's has no entry of its own. */
export function noteViolation(data) {
  violations.push(data);
  violations.splice(0, Math.max(0, violations.length - VIOLATIONS));
  if (ui.list && chosen === null) drawDetail(null);
  noteRefusal();
}
function drawRefusals() {
  $('refusals').hidden = !refusals;
  $('refusals').textContent = refusals > 99 ? '99+' : String(refusals);
  $('show-traffic').setAttribute('aria-label', refusals ? `Traffic, ${refusals} refusals and violations (Ctrl+\`)` : 'Traffic (Ctrl+`)');
}
$('show-traffic').addEventListener('click', () => showTraffic());
