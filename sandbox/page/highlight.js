// Code in colours: one small reader for the languages that bots' answers are written in. It knows words, texts, numbers and
// notes, not grammars, and leaves what is long as it is, so that no text makes the page slow.

import { h } from './dom.js';

/** Characters up to which colours are worth their elements. */
const COLOURED = 20_000;

const words = (text) => new Set(text.split(' '));
const C_LIKE = words('abstract as async await bool boolean break case catch char class const continue crate default do double dyn else enum export extends extern false final finally float fn for foreach from func function go if impl implements import in int interface internal is let long loop match mod module move mut namespace new nil null nullptr of override package private protected pub public readonly ref return self Self short static string struct super switch this throw trait true try type typeof undefined union unsafe unsigned use using val var virtual void when where while yield');
const PYTHON = words('and as assert async await break case class continue def del elif else except False finally for from global if import in is lambda match None nonlocal not or pass raise return self True try while with yield');
const SHELL = words('case cd do done echo elif else esac exit export fi for function if in local return set sudo then until while');
const SQL = words('add all alter and as asc begin between by case check column commit constraint create cross database default delete desc distinct drop else end exists foreign from full group having if in index inner insert into is join key left like limit not null on or order outer primary references returning right rollback select set table then true union unique update using values view when where with');
const LANGUAGES = {
  c: C_LIKE, cpp: C_LIKE, cs: C_LIKE, csharp: C_LIKE, dart: C_LIKE, go: C_LIKE, java: C_LIKE, javascript: C_LIKE, js: C_LIKE, jsx: C_LIKE, json: C_LIKE, json5: C_LIKE, kotlin: C_LIKE, kt: C_LIKE, php: C_LIKE,
  rs: C_LIKE, rust: C_LIKE, scala: C_LIKE, swift: C_LIKE, ts: C_LIKE, tsx: C_LIKE, typescript: C_LIKE, zig: C_LIKE, css: C_LIKE, scss: C_LIKE,
  py: PYTHON, python: PYTHON, rb: PYTHON, ruby: PYTHON, lua: PYTHON, elixir: PYTHON, toml: PYTHON, yaml: PYTHON, yml: PYTHON, ini: PYTHON,
  bash: SHELL, sh: SHELL, shell: SHELL, zsh: SHELL, fish: SHELL, powershell: SHELL, ps1: SHELL, dockerfile: SHELL,
  sql: SQL, sqlite: SQL, postgres: SQL, postgresql: SQL, mysql: SQL,
  html: new Set(), xml: new Set(), svg: new Set(),
};
const SLASHES = String.raw`\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)`;
const HASH = String.raw`#[^\n]*`;
const DASHES = String.raw`--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)`;
const REST = String.raw`"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.){0,200}'|` + '`(?:[^`\\\\]|\\\\.)*`?' + String.raw`|\b\d[\w.]*|[A-Za-z_$][\w$]*(!?\()?`;
const reader = (notes) => new RegExp(`(${notes})|${REST}`, 'g');
const READERS = new Map([[C_LIKE, reader(SLASHES)], [PYTHON, reader(HASH)], [SHELL, reader(HASH)], [SQL, reader(DASHES)]]);
const TAGS = /(<!--[\s\S]*?(?:-->|$))|<\/?[\w:-]+|\/?>|"[^"]*"/g;

const span = (kind, text) => h('span', { class: `k-${kind}` }, text);

function coloured(code, language) {
  const known = LANGUAGES[language];
  const nodes = [];
  let at = 0;
  for (const match of code.matchAll(known.size ? READERS.get(known) : TAGS)) {
    const [text, note] = match;
    let kind = null;
    if (note) kind = 'note';
    else if ('"\'`'.includes(text[0])) kind = 'text';
    else if (/\d/.test(text[0])) kind = 'number';
    else if (text[0] === '<' || text.endsWith('>')) kind = 'word';
    else if (known.has(known === SQL ? text.toLowerCase() : text.replace(/!?\($/, ''))) kind = 'word';
    else if (text.endsWith('(')) kind = 'call';
    if (!kind) continue;
    nodes.push(code.slice(at, match.index));
    const open = kind === 'word' || kind === 'call' ? /\($/.exec(text)?.[0] ?? '' : '';
    nodes.push(span(kind, open ? text.slice(0, -1) : text), open);
    at = match.index + text.length;
  }
  nodes.push(code.slice(at));
  return nodes;
}

const ANSI = { 30: '#85878c', 31: '#dc322f', 32: '#859900', 33: '#b58900', 34: '#268bd2', 35: '#d33682', 36: '#2aa198', 37: '#eee8d5', 40: '#002b36', 41: '#cb4b16', 42: '#586e75', 43: '#657b83', 44: '#839496', 45: '#6c71c4', 46: '#93a1a1', 47: '#fdf6e3' };
/** Terminal colours, as in blocks of the language "ansi". */
function ansi(code) {
  let now = {};
  return code.split(/(\u001b\[[\d;]*m)/).map((part) => {
    const codes = /^\u001b\[([\d;]*)m$/.exec(part);
    if (!codes) {
      return Object.keys(now).length && part ? h('span', { style: now }, part) : part;
    }
    for (const each of (codes[1] || '0').split(';').map(Number)) {
      if (each === 0) now = {};
      else if (each === 1) now = { ...now, 'font-weight': '700' };
      else if (each === 4) now = { ...now, 'text-decoration': 'underline' };
      else if (each >= 30 && each < 38) now = { ...now, color: ANSI[each] };
      else if (each >= 40 && each < 48) now = { ...now, 'background-color': ANSI[each] };
    }
    return null;
  });
}

/** The lines of a code block as nodes. */
export function highlighted(code, language) {
  const name = language?.toLowerCase();
  if (!name || code.length > COLOURED) return [code];
  if (name === 'ansi') return ansi(code);
  if (name === 'diff' || name === 'patch') {
    return code.split(/(?<=\n)/).map((line) => (line.startsWith('+') ? span('plus', line) : line.startsWith('-') ? span('minus', line) : line.startsWith('@@') ? span('call', line) : line));
  }
  return Object.hasOwn(LANGUAGES, name) ? coloured(code, name) : [code];
}
