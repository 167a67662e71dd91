// The bot's rate limits: how the sandbox counts them, and what is used up. The button stands in the traffic's bar.

import { h, icon, showPopover } from './dom.js';
import { complain } from './composer.js';
import { state } from './state.js';
import { api } from './server.js';

const PROFILES = [['off', 'Off', 'No headers, no limit'], ['generous', 'Generous', 'Headers as Discord sends them, and nobody reaches a limit'], ['real', 'Real', 'Like Discord’s: per route, over all routes, and for invalid requests']];
/** How often what is used up is read anew while somebody looks, in milliseconds. */
const EVERY = 1000;

const button = h('button', { type: 'button', class: 'button secondary', 'aria-haspopup': 'dialog' });
let looking = null;

function draw() {
  const label = PROFILES.find(([value]) => value === state.rate_limits)?.[1] ?? 'unknown';
  button.replaceChildren(icon('gauge'), `Limits: ${label.toLowerCase()}`);
  for (const box of looking?.querySelectorAll('input') ?? []) box.checked = box.value === state.rate_limits;
}

/** They are counted in another way, by whoever asked for it. */
export function noteRateLimits({ profile }) { state.rate_limits = profile; draw(); drawUsed(); }

const usedNode = (name, { used, limit, resets_in_ms: left }) => h('tr', { class: used >= limit ? 'used-up' : '' }, h('td', { title: name }, name.replace(/\d{14,}/g, (id) => `…${id.slice(-4)}`)), h('td', {}, `${used} of ${limit}`), h('td', {}, `${(left / 1000).toFixed(1)} s`));
async function drawUsed() {
  const box = looking?.querySelector('.limits-used');
  if (!box) return;
  let used;
  try { used = await api('GET', '/page/rate-limits'); } catch (error) { box.replaceChildren(h('p', { class: 'wrong' }, error.message)); return; }
  const rows = [used.global && usedNode('All routes together', used.global), used.invalid && usedNode('Invalid requests', used.invalid), ...used.buckets.slice(0, 12).map((bucket) => usedNode(bucket.route, bucket))].filter(Boolean);
  box.replaceChildren(rows.length ? h('table', {}, h('thead', {}, h('tr', {}, ['Bucket', 'Used', 'Until'].map((title) => h('th', { scope: 'col' }, title)))), h('tbody', {}, rows)) : h('p', { class: 'soft' }, used.profile === 'off' ? 'Nothing is counted.' : 'Nothing is used up just now.'));
}

async function open() {
  if (looking) { looking.hidePopover(); return; }
  const put = async (profile) => { try { await api('POST', '/page/rate-limits', { profile }); } catch (error) { complain(error.message); draw(); } };
  const popover = h('div', { class: 'popover limits', popover: 'auto', role: 'dialog', 'aria-label': 'Rate limits' }, h('h2', {}, 'Rate limits'),
    h('fieldset', {}, h('legend', { class: 'aside' }, 'How they are counted'), PROFILES.map(([value, label, about]) => h('label', { class: 'tick' }, h('input', { type: 'radio', name: 'rate-limits', value, checked: value === state.rate_limits, onchange: () => put(value) }), h('span', { class: 'entry-text' }, h('span', {}, label), h('small', {}, about))))),
    h('div', { class: 'limits-used' }));
  const timer = setInterval(drawUsed, EVERY);
  popover.addEventListener('toggle', (event) => {
    if (event.newState !== 'closed') return;
    clearInterval(timer);
    looking = null;
    const held = popover.contains(document.activeElement) || document.activeElement === document.body;
    popover.remove();
    if (held) button.focus();
  });
  looking = popover;
  await drawUsed();
  showPopover(popover, button);
  (popover.querySelector('input:checked') ?? popover.querySelector('input')).focus();
}
button.addEventListener('click', open);

/** The button of the traffic panel. Once. */
export function limits() { draw(); return button; }
