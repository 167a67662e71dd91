// Points in time as a reader in a chat likes them. Relative ones are kept true once a second.

import { h } from './dom.js';

export const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
export const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });
export const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
export const STAMPS = {
  t: { timeStyle: 'short' }, T: { timeStyle: 'medium' }, d: { dateStyle: 'short' }, D: { dateStyle: 'long' },
  f: { dateStyle: 'long', timeStyle: 'short' }, F: { dateStyle: 'full', timeStyle: 'short' },
  s: { dateStyle: 'short', timeStyle: 'short' }, S: { dateStyle: 'short', timeStyle: 'medium' },
};
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const UNITS = [['year', 31_536_000], ['month', 2_592_000], ['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];

export const relativeTime = (date) => {
  const seconds = Math.round((date.getTime() - Date.now()) / 1000);
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? UNITS.at(-1);
  return RELATIVE.format(Math.trunc(seconds / size), unit);
};
export const chatTime = (date) => {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return CLOCK.format(date);
  return days === 1 ? `Yesterday at ${CLOCK.format(date)}` : new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' }).format(date);
};
export const timeElement = (iso, text, className) => {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return null;
  return h('time', { class: className, datetime: date.toISOString(), title: EXACT.format(date) }, text ?? chatTime(date));
};
setInterval(() => {
  for (const node of document.querySelectorAll('time.relative')) node.textContent = relativeTime(new Date(node.dateTime));
}, 1000);
