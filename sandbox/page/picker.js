// The list of suggestions above the box to write in: what is shown, which one is marked, and whose keys move it. The
// composer and the options of a command share it; it knows nothing of what it lists.

import { $, h } from './dom.js';

export const picker = { owner: null, kind: null, items: [], at: -1 };

/** Shows `items` for the input `owner`, under a headline; `at` is marked, -1 for none. */
export function showPicker({ owner, kind, items = [], head = [], nothing = '', at = 0 }) {
  if (picker.owner !== owner) release();
  Object.assign(picker, { owner, kind, items });
  $('picker-head').replaceChildren(...[head].flat().filter(Boolean));
  $('suggestions').replaceChildren(...items.map((item, index) => h('div', {
    role: 'option', class: 'entry', id: `pick-${index}`, 'aria-selected': 'false', onmousedown: (event) => event.preventDefault(), onclick: () => item.pick(), onmousemove: () => { if (picker.at !== index) markPick(index); },
  }, item.face, h('span', { class: 'entry-text' }, h('span', {}, item.label), item.detail && h('small', {}, item.detail)), item.hint && h('span', { class: 'entry-hint' }, item.hint))));
  if (!items.length && nothing) $('picker-head').append(h('p', { class: 'nothing' }, nothing));
  $('suggestions').hidden = !items.length;
  $('picker').hidden = false;
  if (owner.role === 'combobox') owner.setAttribute('aria-expanded', String(items.length > 0));
  markPick(Math.min(at, items.length - 1));
}

export function markPick(index) {
  picker.at = index;
  [...$('suggestions').children].forEach((node, at) => {
    node.setAttribute('aria-selected', String(at === index));
    if (at === index) node.scrollIntoView({ block: 'nearest' });
  });
  if (index >= 0) picker.owner?.setAttribute('aria-activedescendant', `pick-${index}`);
  else picker.owner?.removeAttribute('aria-activedescendant');
}

/** Moves the mark by the arrow keys; says whether the key was one of them. */
export function movePick(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !picker.items.length || event.altKey) return false;
  markPick(picker.at < 0 ? (step > 0 ? 0 : picker.items.length - 1) : (picker.at + step + picker.items.length) % picker.items.length);
  event.preventDefault();
  return true;
}

export function hidePicker() {
  release();
  Object.assign(picker, { owner: null, kind: null, items: [], at: -1 });
  $('picker').hidden = true;
}

function release() {
  picker.owner?.removeAttribute('aria-activedescendant');
  if (picker.owner?.role === 'combobox') picker.owner.setAttribute('aria-expanded', 'false');
}
