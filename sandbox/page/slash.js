// Slash commands: the ways to call them, and the form with one field per option.

import { $, h, iconButton } from './dom.js';
import { channelName, channelsNow, findUser, guildNow, membersNow, state, userName } from './state.js';
import { scrollDown } from './timeline.js';
import { avatar } from './people.js';
import { changed, complain, encodeMentions, fit, hidePicker } from './composer.js';
import { drawWaiting, track } from './interaction.js';

const OPTION_TYPES = { 3: 'text', 4: 'whole number', 5: 'yes or no', 6: 'person', 7: 'channel', 8: 'role', 9: 'person or role', 10: 'number', 11: 'file' };

/** Every way to call a command that fits the open place; sub-commands and groups are flattened to "group sub". */
export function invocations() {
  const fits = (command) => (command.type ?? 1) === 1
    && (command.guild_id ? command.guild_id === state.guild : state.guild !== null || (command.contexts?.includes(1) ?? command.dm_permission !== false));
  const flatten = (command, path, options, description) => {
    const inner = (options ?? []).filter((option) => option.type === 1 || option.type === 2);
    if (!inner.length) return [{ command, path, name: path.map((step) => step.name).join(' '), description, options: [...(options ?? [])].sort((a, b) => Number(Boolean(b.required)) - Number(Boolean(a.required))) }];
    return inner.flatMap((option) => flatten(command, [...path, option], option.options, option.description));
  };
  return state.commands.filter(fits).flatMap((command) => flatten(command, [command], command.options, command.description));
}

export let form = null;

export function openSlash(invocation) {
  hidePicker();
  form = { invocation, fields: invocation.options.map(optionField) };
  $('text').value = '';
  fit($('text'));
  $('composer').hidden = true;
  const node = $('slash');
  node.hidden = false;
  node.setAttribute('aria-label', `Command ${invocation.name}`);
  node.replaceChildren(
    h('div', { class: 'slash-head' }, avatar(state.bot, 'small'), h('b', {}, `/${invocation.name}`), h('span', { class: 'about' }, invocation.description), iconButton('close', 'Cancel the command', () => closeSlash())),
    form.fields.length > 0 && h('div', { class: 'options' }, form.fields.map((field) => field.node)),
    h('div', { class: 'slash-foot' }, h('small', {}, 'Enter to send, Escape to cancel'), h('button', { type: 'submit', class: 'button primary' }, 'Send')));
  (form.fields[0]?.input ?? node.querySelector('[type="submit"]')).focus();
  scrollDown();
}

export function closeSlash(focus = true) {
  form = null;
  $('slash').hidden = true;
  $('slash').replaceChildren();
  $('composer').hidden = false;
  if (focus) $('text').focus();
}

/** One option of a command: its element, and a function that gives its value or says what is wrong with it. */
function optionField(option) {
  const id = `option-${option.name}`;
  const shared = { id, name: option.name, 'aria-describedby': `${id}-about ${id}-wrong`, 'aria-required': String(Boolean(option.required)) };
  const people = () => membersNow().map(({ user }) => [user.id, userName(user)]);
  const roles = () => (guildNow()?.roles ?? []).map((role) => [role.id, role.id === state.guild ? '@everyone' : role.name]);
  const choose = (...groups) => h('select', shared, h('option', { value: '' }, option.required ? 'Choose…' : '—'),
    groups.map(([label, entries]) => (groups.length > 1 ? h('optgroup', { label }, entries.map(([value, text]) => h('option', { value }, text))) : entries.map(([value, text]) => h('option', { value }, text)))));
  let input;
  if (option.choices?.length) input = choose(['Choices', option.choices.map((choice) => [String(choice.value), choice.name])]);
  else if (option.type === 4 || option.type === 10) input = h('input', { ...shared, type: 'text', inputmode: option.type === 4 ? 'numeric' : 'decimal', autocomplete: 'off' });
  else if (option.type === 5) input = choose(['Choices', [['true', 'True'], ['false', 'False']]]);
  else if (option.type === 6) input = choose(['People', people()]);
  else if (option.type === 7) input = choose(['Channels', channelsNow().filter((channel) => !option.channel_types?.length || option.channel_types.includes(channel.type)).map((channel) => [channel.id, channelName(channel)])]);
  else if (option.type === 8) input = choose(['Roles', roles()]);
  else if (option.type === 9) input = choose(['People', people()], ['Roles', roles()]);
  else if (option.type === 11) input = h('input', { ...shared, type: 'text', disabled: true, placeholder: 'Files are not supported yet' });
  else input = h('input', { ...shared, type: 'text', autocomplete: 'off', maxlength: String(option.max_length ?? 6000) });

  const wrong = h('span', { class: 'wrong', id: `${id}-wrong` });
  const tell = (text) => {
    wrong.textContent = text;
    if (text) input.setAttribute('aria-invalid', 'true'); else input.removeAttribute('aria-invalid');
  };
  input.addEventListener('input', () => tell(''));
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && input.tagName === 'SELECT') { event.preventDefault(); $('slash').requestSubmit(); }
    else if (event.key === 'Backspace' && input.tagName === 'INPUT' && !input.value && form?.fields[0]?.input === input) {
      event.preventDefault();
      const { name } = form.invocation;
      closeSlash();
      $('text').value = `/${name}`;
      changed();
    }
  });

  const bounds = [option.min_value !== undefined && `at least ${option.min_value}`, option.max_value !== undefined && `at most ${option.max_value}`,
    option.min_length && `at least ${option.min_length} characters`, option.max_length && `at most ${option.max_length} characters`].filter(Boolean).join(', ');
  const read = () => {
    // Numbers keep their text as people type it; strings are sent as they are.
    const text = option.type === 3 && !option.choices?.length ? encodeMentions(input.value) : input.value.trim();
    if (!text) return option.required ? { wrong: 'This option is required.' } : {};
    if (option.type === 4 || option.type === 10) {
      const value = Number(text);
      if (option.type === 4 && !Number.isSafeInteger(value)) return { wrong: 'This has to be a whole number.' };
      if (!Number.isFinite(value)) return { wrong: 'This has to be a number.' };
      if (value < (option.min_value ?? -Infinity) || value > (option.max_value ?? Infinity)) return { wrong: `This has to be ${bounds}.` };
      return { value };
    }
    if (option.type === 5) return { value: text === 'true' };
    if (option.type === 3 && !option.choices?.length && (text.length < (option.min_length ?? 0) || text.length > (option.max_length ?? 6000))) return { wrong: `This has to have ${bounds}.` };
    return { value: text };
  };
  const node = h('div', { class: `option ${option.required ? 'required' : ''}` },
    h('label', { for: id }, option.name, h('span', { class: 'kind' }, `${OPTION_TYPES[option.type] ?? 'value'}${option.required ? '' : ', optional'}`)),
    input, h('span', { class: 'about', id: `${id}-about` }, [option.description, bounds && `(${bounds})`].filter(Boolean).join(' ')), wrong);
  return { option, node, input, read, tell };
}

async function sendSlash(event) {
  event.preventDefault();
  const { invocation, fields } = form;
  const values = [];
  let faulty = null;
  for (const field of fields) {
    const { value, wrong } = field.read();
    field.tell(wrong ?? '');
    if (wrong) faulty ??= field;
    else if (value !== undefined) values.push({ name: field.option.name, type: field.option.type, value });
  }
  if (faulty) { faulty.input.focus(); return; }
  const options = invocation.path.slice(1).reduceRight((inner, step) => [{ name: step.name, type: step.type, options: inner }], values);
  const shown = [`/${invocation.name}`, ...values.map(({ name, value }) => `${name}: ${findUser(value)?.username ?? value}`)].join(' ');
  const call = { kind: 'slash', channelId: state.channel, command: shown, phase: 'waiting' };
  closeSlash();
  complain('');
  state.waiting.add(call);
  drawWaiting();
  scrollDown();
  await track(call, '/page/slash', { as: state.me.id, channel_id: state.channel, command_id: invocation.command.id, options });
}
$('slash').addEventListener('submit', sendSlash);
$('slash').addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.preventDefault(); closeSlash(); } });
