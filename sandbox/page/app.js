// The page of the sandbox: a chat client for one bot and many people. This file starts it and holds what concerns the
// whole window; the rest is in the modules beside it. No dependencies, no build step; README.md has the server's contract.

import { $, icon, iconButton } from './dom.js';
import { state } from './state.js';
import { drawMessages } from './timeline.js';
import { drawPlaces } from './places.js';
import { drawBotState, drawMembers, drawSelf } from './people.js';
import { drawAnswering, drawTyping, fit } from './composer.js';
import { connect } from './live.js';
import { openSwitcher } from './switcher.js';
import { showTraffic } from './traffic.js';
import './results.js';
import './order.js';
import { drawForum } from './forum.js';
import { drawThreadNote } from './threads.js';

export const closeDrawers = () => {
  document.body.classList.remove('channels-open', 'members-open');
  $('shade').hidden = true;
  $('show-channels').setAttribute('aria-expanded', 'false');
};
const middling = matchMedia('(max-width: 1080px)');
$('show-channels').addEventListener('click', () => {
  const open = document.body.classList.toggle('channels-open');
  $('show-channels').setAttribute('aria-expanded', String(open));
  $('shade').hidden = !open;
  if (open) $('channels').querySelector('button:not(:disabled)')?.focus();
});
$('show-members').addEventListener('click', () => {
  if (middling.matches) $('shade').hidden = !document.body.classList.toggle('members-open');
  else document.body.classList.toggle('members-closed');
  drawMembersButton();
});
const drawMembersButton = () => $('show-members').setAttribute('aria-pressed', String(middling.matches ? document.body.classList.contains('members-open') : !document.body.classList.contains('members-closed')));
middling.addEventListener('change', () => { closeDrawers(); drawMembersButton(); });
$('shade').addEventListener('click', () => { closeDrawers(); drawMembersButton(); });

const THEMES = ['auto', 'dark', 'light'];
const applyTheme = (theme) => {
  document.documentElement.dataset.theme = theme;
  const label = `Theme: ${theme === 'auto' ? 'as the system' : theme}`;
  $('theme').replaceChildren(icon('theme'));
  $('theme').setAttribute('aria-label', label);
  $('theme').title = label;
};
$('theme').addEventListener('click', () => {
  const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
  localStorage.setItem('theme', next);
  applyTheme(next);
});
applyTheme(THEMES.includes(localStorage.getItem('theme')) ? localStorage.getItem('theme') : 'auto');

export const drawAll = () => {
  for (const draw of [drawPlaces, drawBotState, drawMembers, drawSelf, drawMessages, drawForum, drawThreadNote, drawAnswering, drawTyping, drawMembersButton]) draw();
  fit($('text'));
};

addEventListener('storage', (event) => { if (event.key === 'theme' && THEMES.includes(event.newValue)) applyTheme(event.newValue); });
$('find').addEventListener('click', openSwitcher);
// One of two panes: it can be closed, and the other one takes the window.
if (self !== top) {
  document.body.classList.add('pane');
  $('bar').append(iconButton('close', 'Close this pane', () => dispatchEvent(new Event('close-pane'))));
}

addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && (event.key.toLowerCase() === 'k' || event.code === 'Backquote')) {
    event.preventDefault();
    if (event.code === 'Backquote') showTraffic(); else openSwitcher();
    return;
  }
  if (event.key === 'Escape' && !$('shade').hidden) {
    closeDrawers();
    drawMembersButton();
  } else if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
    const open = [...document.querySelectorAll('.channel:not(:disabled)')];
    const at = open.findIndex((node) => node.dataset.channel === state.channel);
    open[(at + (event.key === 'ArrowDown' ? 1 : -1) + open.length) % open.length]?.click();
    event.preventDefault();
  } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && document.activeElement === document.body && !$('composer').hidden) $('text').focus();
});

drawAll();
connect();
