// Files that go with the next message: picked, dropped or pasted, shown above the box to write in until they are sent.

import { $, h, icon, iconButton } from './dom.js';
import { state } from './state.js';
import { may } from './permissions.js';
import { complain } from './composer.js';

/** As on Discord without a subscription; what is larger the sandbox refuses. */
const LARGEST = 10 << 20;
const MOST = 10;

/** channel id -> files waiting for its next message */
const waiting = new Map();
export const stagedNow = () => waiting.get(state.channel) ?? [];
export const fileSize = (bytes) => (bytes >= 1 << 20 ? `${(bytes / (1 << 20)).toFixed(2)} MB` : bytes >= 1024 ? `${(bytes / 1024).toFixed(2)} KB` : `${bytes ?? 0} bytes`);

export function stage(files) {
  const list = stagedNow();
  const refused = [];
  for (const file of files) {
    if (file.size > LARGEST) refused.push(`“${file.name}” is larger than 10 MB`);
    else if (list.length >= MOST) refused.push('at most ten files go with one message');
    else list.push({ file, spoiler: false, address: file.type.startsWith('image/') ? URL.createObjectURL(file) : null });
  }
  waiting.set(state.channel, list);
  complain(refused.length ? `Not added: ${[...new Set(refused)].join('; ')}.` : '');
  drawStaged();
  $('text').focus();
}

/** Takes them away, to be sent. */
export function takeStaged() {
  const list = stagedNow();
  waiting.delete(state.channel);
  drawStaged();
  return list;
}
export function putBack(channelId, list) {
  waiting.set(channelId, list);
  drawStaged();
}

export function drawStaged() {
  const list = stagedNow();
  $('staged').hidden = !list.length;
  $('desk').classList.toggle('joined', list.length > 0 || !$('answering').hidden);
  $('staged').replaceChildren(...list.map((each, at) => h('li', { class: `staged ${each.spoiler ? 'spoiler-file' : ''}` },
    h('div', { class: 'preview' }, each.address ? h('img', { src: each.address, alt: '' }) : icon('file')),
    h('small', { title: each.file.name }, each.file.name),
    h('div', { class: 'tools', role: 'group', 'aria-label': each.file.name },
      iconButton('eye', each.spoiler ? 'No spoiler' : 'Mark as spoiler', () => { each.spoiler = !each.spoiler; drawStaged(); }),
      iconButton('delete', 'Remove the file', () => { list.splice(at, 1); if (each.address) URL.revokeObjectURL(each.address); drawStaged(); $('text').focus(); })))));
}

/** A body with files, as Discord's clients send it. */
export function withFiles(body, files) {
  const form = new FormData();
  form.append('payload_json', JSON.stringify(body));
  files.forEach((file, at) => form.append(`files[${at}]`, file, file.name));
  return form;
}

export const pickFiles = (done, several = true) => {
  // In the page, though unseen: one that nothing holds may be gone before somebody has chosen.
  const input = h('input', { type: 'file', multiple: several, hidden: true });
  input.addEventListener('change', () => { input.remove(); if (input.files.length) done([...input.files]); });
  input.addEventListener('cancel', () => input.remove());
  document.body.append(input);
  input.click();
};

const isFiles = (event) => [...event.dataTransfer?.types ?? []].includes('Files');
const canTake = () => state.channel && !$('composer').hidden && !document.querySelector('dialog[open]') && may('AttachFiles', state.channel);
let inside = 0;
addEventListener('dragenter', (event) => {
  if (!isFiles(event) || !canTake()) return;
  inside += 1;
  $('drop').hidden = false;
});
addEventListener('dragleave', (event) => { if (isFiles(event)) { inside = Math.max(0, inside - 1); if (!inside) $('drop').hidden = true; } });
addEventListener('dragover', (event) => { if (isFiles(event)) event.preventDefault(); });
addEventListener('drop', (event) => {
  if (!isFiles(event)) return;
  event.preventDefault();
  inside = 0;
  $('drop').hidden = true;
  if (canTake()) stage([...event.dataTransfer.files]);
});
$('text').addEventListener('paste', (event) => {
  const files = [...event.clipboardData?.files ?? []];
  if (!files.length || !canTake()) return;
  event.preventDefault();
  stage(files);
});
