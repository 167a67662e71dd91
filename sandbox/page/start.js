// The first thing that runs: one person's page, or two of them beside each other. Two are two frames of this page, each
// with its own connection and its own width, so that neither can see what is only the other's.

import { $, h } from './dom.js';

const beside = new URLSearchParams(location.search).get('beside');
if (beside === null || self !== top) import('./app.js');
else {
  document.body.classList.add('split');
  document.title = 'Sandbox, side by side';
  const frames = beside.split('|').slice(0, 2).map((query, index) => h('iframe', { src: `/?${query}`, title: index ? 'Second person' : 'First person' }));
  for (const frame of frames) {
    // The pane that is closed leaves its place to the other one.
    frame.addEventListener('load', () => {
      frame.contentWindow.addEventListener('close-pane', () => { location.href = frames.find((each) => each !== frame)?.contentWindow.location.href ?? '/'; });
    });
  }
  $('app').replaceWith(...frames);
  for (const skip of document.querySelectorAll('.skip')) skip.remove();
}
