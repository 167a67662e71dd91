// The recorder: what people do is kept as a file, and played again. Its buttons are there where the sandbox can do it.

import { h, icon, openMenu } from './dom.js';
import { complain } from './composer.js';
import { pickFiles } from './files.js';
import { state } from './state.js';
import { api } from './server.js';

let running = false;
const button = h('button', { type: 'button', class: 'button secondary', 'aria-haspopup': 'menu' });
const outcome = h('p', { class: 'replay-outcome', role: 'status' });

function draw() {
  button.hidden = state.recording === undefined;
  button.classList.toggle('danger', running);
  button.classList.toggle('secondary', !running);
  button.replaceChildren(icon('record'), running ? 'Stop recording' : 'Record');
}

/** Whether it records, as the sandbox says: another page may have begun. */
export function takeRecording() { running = state.recording === true; draw(); }

/** How a recording stands, or the replay of one. */
export function noteRecording({ state: now, step, steps, message }) {
  if (now === 'recording' || now === 'stopped') {
    state.recording = now === 'recording';
    takeRecording();
  } else if (now === 'replaying') outcome.textContent = `Replaying: ${step} of ${steps} steps are done`;
  else if (now === 'replayed') outcome.textContent = message ? `Replayed, but ${message}` : 'Replayed';
  else outcome.textContent = `The replay failed: ${message}`;
}

const save = (text) => {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  h('a', { href: address, download: `recording-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
};

/** The button of the traffic panel, hidden while the sandbox knows of no recordings, and what became of a replay. Once. */
export function recorder() {
  const start = async () => { try { await api('POST', '/page/recording', { action: 'start' }); running = true; draw(); } catch (error) { complain(error.message); } };
  const stop = async () => {
    try { save(JSON.stringify(await api('POST', '/page/recording', { action: 'stop' }), null, 2)); } catch (error) { complain(error.message); }
    running = false;
    draw();
  };
  const replay = () => pickFiles(async ([file]) => {
    try { await api('POST', '/page/replay', JSON.parse(await file.text())); }
    catch (error) { complain(error instanceof SyntaxError ? `“${file.name}” is no recording: ${error.message}` : error.message); }
  }, false);
  button.addEventListener('click', () => {
    if (running) { stop(); return; }
    openMenu(button, 'Recorder', [{ label: 'Start recording', detail: 'All that people do from now on', run: start }, { label: 'Replay a recording…', detail: 'A file that was saved here or by a test', run: replay }]);
  });
  draw();
  return [button, outcome];
}
