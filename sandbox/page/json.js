// JSON for people: pretty-printed with colours, and Discord's nested form errors as a list. Text becomes text nodes only.

import { h } from './dom.js';

/** Characters up to which colours are worth their elements. */
const COLOURED = 60_000;
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A value as a block of JSON. */
export function jsonNode(value, label) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2) ?? 'nothing';
  const code = h('code', {});
  if (text.length > COLOURED || typeof value === 'string') code.append(text);
  else {
    let at = 0;
    for (const match of text.matchAll(TOKEN)) {
      if (match.index > at) code.append(text.slice(at, match.index));
      const [whole, string, colon, word] = match;
      code.append(h('span', { class: colon ? 'j-key' : string ? 'j-text' : word ? 'j-word' : 'j-number' }, string ?? whole));
      if (colon) code.append(colon);
      at = match.index + whole.length;
    }
    code.append(text.slice(at));
  }
  return h('pre', { class: 'json', tabindex: '0', role: 'region', 'aria-label': label }, code);
}

/** Discord's error tree, `{embeds: {0: {title: {_errors: [...]}}}}`, as places and texts. */
export function errorLines(errors, place = '') {
  if (!errors || typeof errors !== 'object') return [];
  return Object.entries(errors).flatMap(([key, value]) => (key === '_errors' && Array.isArray(value)
    ? value.map((each) => ({ place, text: each.message ?? each.code ?? String(each) }))
    : errorLines(value, place ? `${place}.${key}` : key)));
}
