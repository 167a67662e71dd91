// The strip that tells how a plugin's build stands, as `cargo xtask dev` reports it: what is being built, what the compiler
// says, and that the new one is in.

import { $, h, icon, iconButton } from './dom.js';

const builds = new Map();
const timers = new Map();
const TEXTS = { building: 'is being built', ok: 'is built', failed: 'does not compile', installed: 'is installed' };
/** How long good news stay, in milliseconds. */
const STAYS = 6_000;

export function takeBuilds(list) {
  builds.clear();
  // A build that was over before this page was opened is no news; one that fails still is.
  for (const each of list ?? []) if (each.state === 'failed' || each.state === 'building') builds.set(each.plugin, { ...each, open: true });
  draw();
}

export function noteBuild(build) {
  clearTimeout(timers.get(build.plugin));
  builds.set(build.plugin, { ...build, open: builds.get(build.plugin)?.open ?? true });
  if (build.state === 'installed') timers.set(build.plugin, setTimeout(() => { builds.delete(build.plugin); draw(); }, STAYS));
  draw();
}

function draw() {
  $('build').hidden = !builds.size;
  $('build').replaceChildren(...[...builds.values()].map((build) => {
    const { state, plugin, message, progress } = build;
    const fold = message && h('button', { type: 'button', class: 'tool', 'aria-expanded': String(build.open), 'aria-label': build.open ? 'Hide what the compiler says' : 'Show what the compiler says', onclick: () => { build.open = !build.open; draw(); } }, icon('chevron'));
    return h('section', { class: `build ${state}`, 'aria-label': `Build of ${plugin}` },
      h('div', { class: 'build-line' }, state === 'building' ? h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')) : icon(state === 'failed' ? 'warning' : 'check'),
        h('span', {}, h('b', {}, plugin), ` ${TEXTS[state] ?? state}`, progress !== undefined && state === 'building' ? ` · ${Math.round(progress * 100)} %` : ''),
        fold, iconButton('close', 'Dismiss', () => { builds.delete(plugin); draw(); })),
      state === 'building' && progress !== undefined && h('div', { class: 'build-bar', role: 'progressbar', 'aria-label': `Build of ${plugin}`, 'aria-valuenow': String(Math.round(progress * 100)), 'aria-valuemin': '0', 'aria-valuemax': '100', style: { '--part': `${progress * 100}%` } }),
      message && build.open && h('pre', { tabindex: '0', role: 'region', 'aria-label': 'What the compiler says' }, message));
  }));
}
