// The live connection: takes the state and the events of the sandbox, and comes back by itself when it breaks.

import { $, h, iconButton } from './dom.js';
import { botName, findChannel, state } from './state.js';
import { CLOCK, timeElement } from './time.js';
import { addMessage, loadRoom, removeMessage, updateMessage } from './timeline.js';
import { openChannel, openGuild, rememberPlace } from './places.js';
import { drawBotState, drawMembers } from './people.js';
import { changed, startTyping } from './composer.js';
import { form } from './slash.js';
import { early, interactionChanged } from './interaction.js';
import { drawAll } from './app.js';

export const wanted = { as: new URLSearchParams(location.search).get('as') ?? '', channel: new URLSearchParams(location.search).get('channel') };
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
    if (!opened && wanted.as && await fetch('/page/app.js', { method: 'HEAD' }).then((answer) => answer.ok, () => false)) wanted.as = '';
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
  Object.assign(state, { me: data.me, bot: data.bot, online: data.online, people: data.people ?? [], guilds: data.guilds ?? [], dms: data.dms ?? [], commands: data.commands ?? [] });
  // What was missed while away is read anew.
  state.rooms.clear();
  state.waiting.clear();
  early.clear();
  for (const { timer } of state.typing.values()) clearTimeout(timer);
  state.typing.clear();
  if (!samePerson) { state.unread.clear(); state.drafts.clear(); state.replyTo = null; state.editing = null; }
  wanted.as = data.me.id;
  const channel = findChannel(state.channel ?? wanted.channel);
  // Someone else's direct messages have another id: stay in direct messages, with one's own.
  if (channel) {
    if (form && samePerson) { drawAll(); loadRoom(channel.id); } else openChannel(channel.id);
  } else openGuild(state.channel && state.guild === null ? null : state.guilds[0]?.id ?? null);
  rememberPlace();
}

export function receive(type, data) {
  switch (type) {
    case 'state': takeState(data); break;
    case 'message_create': addMessage(data); break;
    case 'message_update': updateMessage(data); break;
    case 'message_delete': removeMessage(data.channel_id, data.id); break;
    case 'typing': startTyping(data); break;
    case 'interaction': interactionChanged(data); break;
    case 'commands': state.commands = data; if ($('text').value.startsWith('/') && document.activeElement === $('text')) changed(); break;
    case 'bot': state.online = data.online; drawBotState(); drawMembers(); break;
    case 'people': state.people = data; drawMembers(); break;
    case 'member_add': addMember(data); break;
    case 'rest_error': state.restErrors.unshift({ ...data, at: new Date() }); state.restErrors.length = Math.min(state.restErrors.length, 50); drawRestErrors(); break;
    default: break;
  }
}

function addMember(data) {
  const guild = state.guilds.find((each) => each.id === data.guild_id);
  const member = data.member ?? data;
  if (!guild || !member.user) return;
  guild.members = [...(guild.members ?? []).filter((each) => each.user?.id !== member.user.id), member];
  drawMembers();
}

function drawRestErrors() {
  const box = $('rest');
  const all = state.restErrors;
  box.hidden = !all.length;
  if (!all.length) { box.open = false; return; }
  const [last] = all;
  box.querySelector('summary').replaceChildren(h('span', { class: 'badge' }, String(all.length)), h('span', { class: 'rest-title' }, `${botName()}'s request was refused`), h('code', {}, `${last.method} ${last.path}`), h('b', {}, String(last.status)),
    iconButton('close', 'Clear these errors', (event) => { event.preventDefault(); state.restErrors = []; drawRestErrors(); }));
  box.querySelector('ol').replaceChildren(...all.map((error) => h('li', {}, timeElement(error.at, CLOCK.format(error.at), 'when'), h('code', {}, `${error.method} ${error.path}`), h('b', {}, String(error.status)),
    h('pre', { tabindex: '0' }, typeof error.body === 'string' ? prettyJson(error.body) : JSON.stringify(error.body, null, 2)))));
}
const prettyJson = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } };
