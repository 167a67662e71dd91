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

export function showPopover(popover, anchor, width = 0) {
  document.body.append(popover);
  if (width) popover.style.minWidth = `${width}px`;
  popover.showPopover();
  const place = anchor.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = popover;
  const below = place.bottom + 6 + offsetHeight <= innerHeight;
  const fitsAbove = place.top - 6 - offsetHeight >= 0;
  popover.style.left = `${Math.max(8, Math.min(place.left, innerWidth - offsetWidth - 8))}px`;
  popover.style.top = `${below || !fitsAbove ? Math.max(8, Math.min(place.bottom + 6, innerHeight - offsetHeight - 8)) : place.top - 6 - offsetHeight}px`;
}

export function openDialog(title, content, buttons) {
  const dialog = h('dialog', { 'aria-label': title }, h('form', { method: 'dialog' }, h('h2', {}, title), content, h('div', { class: 'dialog-foot' }, buttons)));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export const confirmDialog = (title, text, yes) => new Promise((resolve) => {
  const dialog = openDialog(title, h('p', { class: 'excerpt' }, text), [
    h('button', { type: 'submit', value: 'no', class: 'button secondary' }, 'Cancel'), h('button', { type: 'submit', value: 'yes', class: 'button danger', autofocus: true }, yes)]);
  dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'));
});
