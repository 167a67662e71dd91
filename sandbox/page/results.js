// What was said before, beside the open channel: a search through the server, and a channel's pins.

import { $, h, icon, iconButton } from './dom.js';
import { channelName, findChannel, guildNow, state } from './state.js';
import { may } from './permissions.js';
import { messageView } from './message.js';
import { jumpTo } from './timeline.js';
import { complain } from './composer.js';
import { api } from './server.js';

let shown = null;
export const isShown = (kind) => shown === kind;
const drawButtons = () => { for (const kind of ['pins', 'threads']) $(`show-${kind}`).setAttribute('aria-pressed', String(shown === kind)); };

/** Puts something beside the channel. */
export function showResults(title, kind, nodes) {
  shown = kind;
  document.body.classList.add('results-open');
  $('results').hidden = false;
  $('results').setAttribute('aria-label', title);
  $('results').replaceChildren(h('header', {}, h('h2', {}, title), iconButton('close', 'Close', () => closeResults())), h('div', { class: 'results-list' }, nodes));
  drawButtons();
}
export function closeResults(focus = true) {
  if (!shown) return;
  shown = null;
  document.body.classList.remove('results-open');
  $('results').hidden = true;
  $('results').replaceChildren();
  drawButtons();
  if (focus) $('text').focus();
}

const resultNode = (message, more = null) => h('article', { class: 'result' }, messageView(message),
  h('div', { class: 'result-tools' }, h('button', { type: 'button', class: 'button secondary', onclick: () => { if (matchMedia('(max-width: 1080px)').matches) closeResults(false); jumpTo(message.channel_id, message.id); } }, 'Jump'), more));

export async function showPins() {
  if (shown === 'pins') { closeResults(); return; }
  try {
    const pins = await api('GET', `/page/pins?${new URLSearchParams({ as: state.me.id, channel_id: state.channel })}`);
    const nodes = pins.map((message) => resultNode(message, may('PinMessages', state.channel) && iconButton('close', 'Unpin', () => pin(message, true).then(() => { shown = null; showPins(); }))));
    showResults('Pinned messages', 'pins', nodes.length ? nodes : [h('p', { class: 'nothing' }, 'This channel has no pinned messages… yet.')]);
    $('results').querySelector('button')?.focus();
  } catch (error) { complain(error.message); }
}
export const pin = (message, remove = false) => api('POST', '/page/pins', { as: state.me.id, channel_id: message.channel_id, message_id: message.id, remove }).catch((error) => complain(error.message));
/** A pin came or went while the list is open. */
export const pinsChanged = () => { if (shown === 'pins') { shown = null; showPins(); } };

async function search(text) {
  const where = guildNow() ? { guild_id: state.guild } : { channel_id: state.channel };
  try {
    const { total, messages } = await api('GET', `/page/search?${new URLSearchParams({ as: state.me.id, q: text, ...where })}`);
    const nodes = [];
    for (const [at, message] of messages.entries()) {
      if (message.channel_id !== messages[at - 1]?.channel_id) nodes.push(h('h3', {}, icon('hash'), channelName(findChannel(message.channel_id) ?? { name: 'channel' })));
      nodes.push(resultNode(message));
    }
    showResults(`${total} result${total === 1 ? '' : 's'}`, 'search', nodes.length ? nodes : [h('p', { class: 'nothing' }, 'Nothing was found. Try other words, or from:name, in:channel, has:embed, mentions:name.')]);
  } catch (error) { showResults('Search', 'search', [h('p', { class: 'wrong' }, error.message)]); }
}
$('search').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('search-text').value.trim();
  if (text) search(text); else closeResults();
});
$('search-text').addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.stopPropagation(); $('search-text').value = ''; closeResults(); } });
$('results').addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.stopPropagation(); closeResults(); } });
$('show-pins').addEventListener('click', showPins);
