// Buttons, selects and the other components of a message, and the press of one.

import { h, icon, showPopover } from './dom.js';
import { channelName, channelsNow, guildNow, membersNow, roleColour, state, userName } from './state.js';
import { customEmoji, markdown, safeUrl } from './markdown.js';
import { colourOf, fileNode, pictureNode, veiled } from './embed.js';
import { avatar } from './people.js';
import { drawWaiting, track } from './interaction.js';

const BUTTON_STYLES = { 1: 'primary', 2: 'secondary', 3: 'success', 4: 'danger', 5: 'link', 6: 'premium' };
const emojiText = (emoji) => (emoji ? (emoji.id ? `:${emoji.name}:` : emoji.name) : '');

/** A component of a message. Those that this page cannot show are named, so that nothing vanishes silently. */
export function componentNode(message, component) {
  const inner = (list) => (list ?? []).map((each) => componentNode(message, each));
  switch (component.type) {
    case 1: return h('div', { class: 'action-row' }, inner(component.components));
    case 2: return buttonNode(message, component);
    case 3: case 5: case 6: case 7: case 8: return selectNode(message, component);
    case 9: return h('div', { class: 'section' }, h('div', {}, inner(component.components)), component.accessory && componentNode(message, component.accessory));
    case 10: return h('div', { class: 'content' }, markdown(component.content ?? ''));
    case 11: return hiddenIf(component.spoiler, pictureNode(component.media, 'thumbnail', component.description));
    case 12: return galleryNode(component.items ?? []);
    case 13: return hiddenIf(component.spoiler, fileNode(component.file?.url, component.name ?? component.file?.url?.split('/').at(-1) ?? 'file', component.size || message.attachments?.find((each) => each.url === component.file?.url)?.size));
    case 14: return h('hr', { class: `${component.divider === false ? 'blank' : ''} ${component.spacing === 2 ? 'wide' : ''}` });
    case 17: return hiddenIf(component.spoiler, h('div', { class: `container ${colourOf(component.accent_color) ? 'accented' : ''}`, style: colourOf(component.accent_color) ? { '--bar': colourOf(component.accent_color) } : {} }, inner(component.components)));
    default: return h('div', { class: 'file' }, `Component of type ${component.type}, which this page does not show`);
  }
}
const hiddenIf = (spoiler, node) => (spoiler ? veiled(node) : node);
const galleryNode = (items) => h('div', { class: `gallery n${items.length}` }, items.map((item) => hiddenIf(item.spoiler, pictureNode(item.media, 'picture', item.description))));

function buttonNode(message, component) {
  const label = [component.emoji && (component.emoji.id ? customEmoji(component.emoji) : h('span', { class: 'emoji' }, emojiText(component.emoji))), component.label];
  if (component.style === 5) {
    const url = safeUrl(component.url);
    return h('a', { class: 'button link', href: component.disabled ? null : url?.href, target: '_blank', rel: 'noopener noreferrer', 'aria-disabled': component.disabled ? 'true' : null, title: component.url }, label, icon('out'));
  }
  return h('button', {
    type: 'button', class: `button ${BUTTON_STYLES[component.style] ?? 'secondary'}`, disabled: component.disabled || !component.custom_id, 'data-custom-id': component.custom_id,
    onclick: () => press(message, component.custom_id),
  }, label);
}

export function selectEntries(component) {
  const users = () => membersNow().map(({ user }) => ({ value: user.id, label: userName(user), description: user.username, kind: 'user', face: () => avatar(user, 'small') }));
  const roles = () => (guildNow()?.roles ?? []).filter((role) => role.id !== state.guild).map((role) => ({ value: role.id, label: `@${role.name}`, kind: 'role', face: () => h('span', { class: 'swatch', style: roleColour(role) ? { '--role': roleColour(role) } : {} }) }));
  switch (component.type) {
    case 5: return users();
    case 6: return roles();
    case 7: return [...users(), ...roles()];
    case 8: return channelsNow().filter((channel) => !component.channel_types?.length || component.channel_types.includes(channel.type)).map((channel) => ({ value: channel.id, label: `#${channelName(channel)}`, kind: 'channel' }));
    default: return (component.options ?? []).map((option) => ({ value: option.value, label: `${emojiText(option.emoji)} ${option.label}`.trim(), description: option.description, chosen: option.default }));
  }
}

function selectNode(message, component) {
  const entries = selectEntries(component);
  const preset = new Set(component.default_values?.map((value) => value.id) ?? entries.filter((entry) => entry.chosen).map((entry) => entry.value));
  const shown = entries.filter((entry) => preset.has(entry.value)).map((entry) => entry.label).join(', ');
  const least = component.min_values ?? 1;
  const most = component.max_values ?? 1;
  return h('button', {
    type: 'button', class: 'select', disabled: component.disabled, 'aria-haspopup': 'listbox', 'data-custom-id': component.custom_id,
    onclick: (event) => openList(event.currentTarget, entries, { chosen: preset, least, most, label: component.placeholder ?? 'Choose' }, (values) => press(message, component.custom_id, values)),
  }, h('span', { class: shown ? '' : 'hint' }, shown || component.placeholder || 'Make a selection'), icon('chevron'));
}

/** A list to choose from, in a popover: one entry at once, several by ticking and closing. */
function openList(anchor, entries, { chosen, least, most, label }, done) {
  const picked = new Set(chosen);
  const several = most > 1 || least === 0;
  let finished = false;
  const finish = (values) => { finished = true; popover.hidePopover(); done(values); };
  // Lists of people can be long: what is typed finds them.
  const searchable = entries.length > 12;
  const items = entries.map((entry, index) => h('div', { role: 'option', class: 'entry', tabindex: '-1', 'aria-selected': String(picked.has(entry.value)), onclick: () => choose(index) },
    entry.face?.(), h('span', { class: 'entry-text' }, h('span', {}, entry.label), entry.description && h('small', {}, entry.description)), icon('check')));
  const choose = (index) => {
    const { value } = entries[index];
    if (!several) { finish([value]); return; }
    if (picked.has(value)) picked.delete(value);
    else if (most === 1) { picked.clear(); picked.add(value); }
    else if (picked.size < most) picked.add(value);
    items.forEach((item, at) => item.setAttribute('aria-selected', String(picked.has(entries[at].value))));
    note.textContent = countText();
  };
  const countText = () => `${picked.size} of ${least === most ? most : `${least} to ${most}`}`;
  const note = h('small', {}, countText());
  const list = h('div', { role: 'listbox', class: 'entries', 'aria-label': label, 'aria-multiselectable': String(several) }, items.length ? items : h('p', { class: 'nothing' }, 'Nothing to choose from here.'));
  const filter = searchable && h('input', { type: 'text', class: 'list-filter', 'aria-label': 'Search', placeholder: 'Search', autocomplete: 'off', oninput: () => items.forEach((item, at) => { item.hidden = !`${entries[at].label} ${entries[at].description ?? ''}`.toLowerCase().includes(filter.value.trim().toLowerCase()); }) });
  const popover = h('div', { class: 'popover list', popover: 'auto' }, filter, list,
    several && h('div', { class: 'list-foot' }, note, h('button', { type: 'button', class: 'button primary', onclick: () => { if (picked.size >= least) finish([...picked]); } }, 'Done')));
  popover.addEventListener('keydown', (event) => {
    const open = items.filter((item) => !item.hidden);
    const at = open.indexOf(document.activeElement);
    const to = { ArrowDown: Math.min(at + 1, open.length - 1), ArrowUp: Math.max(at - 1, 0), Home: 0, End: open.length - 1 }[event.key];
    if (to !== undefined) open[to]?.focus();
    else if (event.key === 'Enter' && document.activeElement === filter && open.length) choose(items.indexOf(open[0]));
    else if ((event.key === 'Enter' || event.key === ' ') && at >= 0) choose(items.indexOf(open[at]));
    else return;
    event.preventDefault();
  });
  popover.addEventListener('toggle', (event) => {
    if (event.newState !== 'closed') return;
    popover.remove();
    const same = picked.size === chosen.size && [...picked].every((value) => chosen.has(value));
    if (several && !finished && !same && picked.size >= least) done([...picked]);
    if (anchor.isConnected) anchor.focus({ preventScroll: true });
  });
  showPopover(popover, anchor, anchor.offsetWidth);
  (filter || (items[entries.findIndex((entry) => picked.has(entry.value))] ?? items[0]))?.focus();
}

async function press(message, customId, values) {
  for (const each of state.waiting) if (each.kind === 'click' && each.messageId === message.id && each.phase === 'failed') state.waiting.delete(each);
  const click = { kind: 'click', messageId: message.id, channelId: message.channel_id, customId, phase: 'waiting' };
  state.waiting.add(click);
  drawWaiting();
  await track(click, '/page/click', { as: state.me.id, channel_id: message.channel_id, message_id: message.id, custom_id: customId, ...(values ? { values } : {}) });
}
