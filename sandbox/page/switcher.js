// Ctrl+K: go to a channel, a server or a person by typing some letters of its name.

import { h, icon, leaveDialog } from './dom.js';
import { botName, channelName, canOpen, isArchived, state, userName } from './state.js';
import { openChannel, openDirect, openGuild } from './places.js';
import { actAs, avatar } from './people.js';

function places() {
  const channels = state.guilds.flatMap((guild) => (guild.channels ?? []).filter((channel) => canOpen(channel) && !isArchived(channel)).map((channel) => ({
    label: channelName(channel), detail: guild.name, face: icon('hash'), mark: '#', run: () => openChannel(channel.id), unread: state.unread.has(channel.id),
  })));
  const direct = state.bot ? [{ label: botName(), detail: 'Direct messages', face: avatar(state.bot, 'small'), mark: '@', run: openDirect }] : [];
  const guilds = state.guilds.map((guild) => ({ label: guild.name, detail: 'Server', face: icon('apps'), mark: '*', run: () => openGuild(guild.id) }));
  const people = state.people.filter((user) => !user.bot && user.id !== state.me?.id).map((user) => ({ label: userName(user), detail: `Act as ${user.username}`, face: avatar(user, 'small'), mark: '@', run: () => actAs(user.id) }));
  return [...channels, ...direct, ...people, ...guilds];
}

/** Letters in order are enough: "gnl" finds general. Lower is better; -1 is no match. */
function distance(name, typed) {
  const where = name.indexOf(typed);
  if (where >= 0) return where;
  let at = -1;
  for (const letter of typed) {
    at = name.indexOf(letter, at + 1);
    if (at < 0) return -1;
  }
  return 100 + at;
}

export function openSwitcher() {
  if (document.querySelector('dialog[open]')) return;
  const all = places();
  let found = [];
  let at = 0;
  const input = h('input', { type: 'text', role: 'combobox', 'aria-label': 'Where to go', 'aria-expanded': 'true', 'aria-controls': 'places', 'aria-autocomplete': 'list', placeholder: 'Where to? # for channels, @ for people', autocomplete: 'off', spellcheck: 'false' });
  const list = h('div', { id: 'places', role: 'listbox', 'aria-label': 'Places' });
  const dialog = h('dialog', { class: 'switcher', 'aria-label': 'Go to a channel or a person' }, input, list,
    h('p', { class: 'about' }, 'Arrows choose, Enter goes there, Escape stays here'));
  const go = (place) => { dialog.close(); place?.run(); };
  const draw = () => {
    const typed = input.value.trim().toLowerCase();
    const mark = '#@*'.includes(typed[0] ?? ' ') ? typed[0] : '';
    const sought = typed.slice(mark.length);
    found = all.filter((place) => !mark || place.mark === mark).map((place, order) => [distance(place.label.toLowerCase(), sought), order, place])
      .filter(([far]) => far >= 0).sort(([a, x], [b, y]) => a - b || x - y).slice(0, 12).map(([, , place]) => place);
    list.replaceChildren(...(found.length ? found.map((place, index) => h('div', { role: 'option', class: `entry ${place.unread ? 'unread' : ''}`, id: `place-${index}`, onclick: () => go(place), onmousemove: () => { if (at !== index) move(index); } },
      place.face, h('span', { class: 'entry-text' }, h('span', {}, place.label)), h('span', { class: 'entry-hint' }, place.detail))) : [h('p', { class: 'nothing' }, 'Nothing here is called that.')]));
    move(0);
  };
  const move = (index) => {
    at = index;
    [...list.children].forEach((node, each) => { if (node.role === 'option') node.setAttribute('aria-selected', String(each === index)); });
    if (found.length) input.setAttribute('aria-activedescendant', `place-${index}`); else input.removeAttribute('aria-activedescendant');
    list.children[index]?.scrollIntoView({ block: 'nearest' });
  };
  input.addEventListener('input', draw);
  input.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) move((at + step + found.length) % found.length);
    else if (event.key === 'Enter') go(found[at]);
    else return;
    event.preventDefault();
  });
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  leaveDialog(dialog);
  document.body.append(dialog);
  dialog.showModal();
  draw();
  input.focus();
}
