// Making elements, popovers and dialogs. Everything that people and bots write becomes DOM nodes through `h`;
// there is no innerHTML in this page. Knows nothing of Discord.

export const $ = (id) => document.getElementById(id);

/** Makes an element. `on...` are listeners, `style` holds custom properties, false and null are left out. */
export const h = (name, props = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'class') node.className = value;
    else if (key === 'style') for (const [property, each] of Object.entries(value)) node.style.setProperty(property, each);
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ''));
  return node;
};

export const icon = (name) => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
};

export const iconButton = (name, label, onclick) => h('button', { type: 'button', class: 'tool', 'aria-label': label, title: label, onclick }, icon(name));

/** Draws a list anew, and gives the focus back to the entry that had it, known by its `data-` name. */
export function keepFocus(container, name, draw) {
  const held = container.contains(document.activeElement) ? document.activeElement.dataset[name] : undefined;
  draw();
  const entries = [...container.querySelectorAll(`[data-${name}]`)];
  const stop = entries.find((node) => node.dataset[name] === held) ?? entries.find((node) => node.hasAttribute('aria-current')) ?? entries.find((node) => !node.disabled);
  for (const node of entries) node.tabIndex = node === stop ? 0 : -1;
  if (held !== undefined) stop?.focus({ preventScroll: true });
}

/** One stop for Tab; the arrow keys, Home and End go from entry to entry. */
export function arrowKeys(container, name) {
  container.addEventListener('keydown', (event) => {
    const entries = [...container.querySelectorAll(`[data-${name}]:not(:disabled)`)];
    const at = entries.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }[event.key];
    if (at < 0 || to === undefined || event.altKey || event.ctrlKey) return;
    event.preventDefault();
    event.stopPropagation();
    const next = entries[Math.min(Math.max(to, 0), entries.length - 1)];
    for (const node of entries) node.tabIndex = node === next ? 0 : -1;
    next.focus();
  });
}

/** Where the pointer is, as something that a menu can stand at. */
export const pointOf = (event) => ({ getBoundingClientRect: () => ({ left: event.clientX, top: event.clientY - 6, bottom: event.clientY - 6 }), isConnected: true, focus: () => event.target?.closest?.('[tabindex], button')?.focus({ preventScroll: true }) });

export function showPopover(popover, anchor, width = 0) {
  ($('chat') ?? document.body).append(popover);
  if (width) popover.style.minWidth = `${width}px`;
  popover.showPopover();
  const place = anchor.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = popover;
  const below = place.bottom + 6 + offsetHeight <= innerHeight;
  const fitsAbove = place.top - 6 - offsetHeight >= 0;
  popover.style.left = `${Math.max(8, Math.min(place.left, innerWidth - offsetWidth - 8))}px`;
  popover.style.top = `${below || !fitsAbove ? Math.max(8, Math.min(place.bottom + 6, innerHeight - offsetHeight - 8)) : place.top - 6 - offsetHeight}px`;
}

/** A menu below `anchor`: arrows, Home and End move, Enter chooses, Escape and Tab leave and give the focus back. */
export function openMenu(anchor, label, entries, kind = '') {
  const items = entries.filter(Boolean).map((entry) => h('button', { type: 'button', role: entry.checked === undefined ? 'menuitem' : 'menuitemradio', 'aria-checked': entry.checked === undefined ? null : String(entry.checked), class: `entry ${entry.kind ?? ''}`, tabindex: '-1', onclick: () => { popover.hidePopover(); entry.run(); } },
    entry.face, h('span', { class: 'entry-text' }, h('span', {}, entry.label), entry.detail && h('small', {}, entry.detail)), entry.icon && icon(entry.icon)));
  const popover = h('div', { class: `popover menu ${kind}`, popover: 'auto' }, h('h2', { 'aria-hidden': 'true' }, label), h('div', { role: 'menu', 'aria-label': label }, items));
  popover.addEventListener('keydown', (event) => {
    const at = items.indexOf(document.activeElement);
    const step = { ArrowDown: kind === 'grid' ? 6 : 1, ArrowUp: kind === 'grid' ? -6 : -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) items[(at + step + items.length) % items.length].focus();
    else if (event.key === 'Home') items[0].focus();
    else if (event.key === 'End') items.at(-1).focus();
    else if (event.key === 'Tab') popover.hidePopover();
    else return;
    event.preventDefault();
  });
  popover.addEventListener('toggle', (event) => {
    if (event.newState !== 'closed') return;
    const held = popover.contains(document.activeElement) || document.activeElement === document.body;
    popover.remove();
    if (held && anchor.isConnected) anchor.focus({ preventScroll: true });
  });
  showPopover(popover, anchor);
  items[0]?.focus();
}

/** A closed dialog goes away. Chromium gives the focus back, but no keys to a text field that had it: it is focused anew. */
export function leaveDialog(dialog) {
  dialog.addEventListener('close', () => {
    dialog.remove();
    const held = document.activeElement;
    if (held?.matches('input, textarea')) { held.blur(); held.focus({ preventScroll: true }); }
  });
}

export function openDialog(title, content, buttons) {
  const dialog = h('dialog', { 'aria-label': title }, h('form', { method: 'dialog' }, h('h2', {}, title), content, h('div', { class: 'dialog-foot' }, buttons)));
  leaveDialog(dialog);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export const confirmDialog = (title, text, yes) => new Promise((resolve) => {
  const dialog = openDialog(title, h('p', { class: 'excerpt' }, text), [
    h('button', { type: 'submit', value: 'no', class: 'button secondary' }, 'Cancel'), h('button', { type: 'submit', value: 'yes', class: 'button danger', autofocus: true }, yes)]);
  dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'));
});
