// Slash commands: the ways to call them, and the line with one field per option, filled by keyboard as in Discord: Tab takes
// a suggestion and goes on, Enter takes one or sends, Escape leaves, Backspace in an empty field takes the field away.

import { $, h, icon, iconButton } from './dom.js';
import { channelName, channelsNow, guildNow, membersNow, roleColour, state, userName } from './state.js';
import { hidePicker, movePick, picker, showPicker } from './picker.js';
import { scrollDown } from './timeline.js';
import { avatar } from './people.js';
import { changed, complain, encodeMentions, fit } from './composer.js';
import { askChoices, drawWaiting, track } from './interaction.js';
import { pickFiles, withFiles } from './files.js';

const OPTION_TYPES = { 3: 'text', 4: 'whole number', 5: 'yes or no', 6: 'person', 7: 'channel', 8: 'role', 9: 'person or role', 10: 'number', 11: 'file' };
/** Between two key strokes and the question to the bot what fits them. */
const PAUSE = 120;

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
  const more = h('input', { type: 'text', class: 'more', role: 'combobox', 'aria-label': 'More options', 'aria-expanded': 'false', 'aria-controls': 'suggestions', 'aria-autocomplete': 'list', autocomplete: 'off', spellcheck: 'false' });
  form = { invocation, fields: [], more, left: invocation.options.filter((option) => !option.required) };
  $('text').value = '';
  fit($('text'));
  $('composer').hidden = true;
  const node = $('slash');
  node.hidden = false;
  node.setAttribute('aria-label', `Command ${invocation.name}`);
  node.replaceChildren(avatar(state.bot, 'small'),
    h('div', { class: 'line' }, h('b', {}, `/${invocation.name}`), more),
    h('button', { type: 'submit', class: 'tool', 'aria-label': 'Send the command', title: 'Send (Enter)' }, icon('send')), iconButton('close', 'Cancel the command', () => closeSlash()));
  for (const option of invocation.options) if (option.required) addField(option);
  more.addEventListener('focus', showMore);
  more.addEventListener('input', () => { picker.at = -1; showMore(); });
  more.addEventListener('blur', leave);
  more.addEventListener('keydown', (event) => {
    if (movePick(event)) return;
    const wanted = event.key === 'Enter' || (event.key === 'Tab' && !event.shiftKey);
    if (wanted && picker.owner === more && picker.at >= 0) { event.preventDefault(); picker.items[picker.at].pick(); }
    else if (event.key === 'Enter') { event.preventDefault(); sendSlash(); }
    else if (event.key === 'Backspace' && !more.value) { event.preventDefault(); goBack(); }
    else if (event.key === 'Escape') { event.preventDefault(); closeSlash(); }
  });
  drawMore();
  (form.fields[0]?.input ?? more).focus();
  scrollDown();
}

export function closeSlash(focus = true) {
  if (form) hidePicker();
  form = null;
  $('slash').hidden = true;
  $('slash').replaceChildren();
  $('composer').hidden = false;
  if (focus) $('text').focus();
}

/** The last field goes away, or the command itself if there is none: its name can be typed anew. */
function goBack() {
  const last = form.fields.findLast((field) => !field.option.required);
  if (last) { removeField(last); return; }
  if (form.fields.length) form.fields.at(-1).input.focus(); else retype();
}
function retype() {
  const { name } = form.invocation;
  closeSlash();
  $('text').value = `/${name}`;
  changed();
}

const leave = () => setTimeout(() => { if (form && !$('slash').contains(document.activeElement)) hidePicker(); });

function drawMore() {
  form.more.placeholder = form.left.length ? `+${form.left.length} optional` : '';
  form.more.hidden = false;
  form.more.readOnly = !form.left.length;
}

function showMore() {
  const typed = form.more.value.trim().toLowerCase();
  const items = form.left.filter((option) => option.name.includes(typed)).map((option) => ({
    label: option.name, detail: option.description, hint: OPTION_TYPES[option.type], pick: () => { form.more.value = ''; addField(option).input.focus(); },
  }));
  const kept = picker.owner === form.more ? picker.at : -1;
  showPicker({ owner: form.more, kind: 'more', items, at: typed ? Math.max(kept, 0) : kept, head: h('p', { class: 'about' }, form.invocation.description,
    h('span', { class: 'keys' }, items.length ? 'Arrows choose an option, Enter sends' : 'Enter sends, Escape cancels')) });
}

function removeField(field) {
  form.fields = form.fields.filter((each) => each !== field);
  form.left = form.invocation.options.filter((option) => !form.fields.some((each) => each.option === option));
  field.node.remove();
  drawMore();
  form.more.focus();
}

const boundsOf = (option) => [option.min_value !== undefined && `at least ${option.min_value}`, option.max_value !== undefined && `at most ${option.max_value}`,
  option.min_length && `at least ${option.min_length} characters`, option.max_length && `at most ${option.max_length} characters`].filter(Boolean).join(', ');

/** What may be chosen for an option, if there is a list of it. */
function entriesOf(option) {
  const people = () => membersNow().map(({ user }) => ({ value: user.id, label: userName(user), detail: user.username, face: avatar(user, 'small') }));
  const roles = () => (guildNow()?.roles ?? []).map((role) => ({ value: role.id, label: role.id === state.guild ? '@everyone' : `@${role.name}`, face: h('span', { class: 'swatch', style: roleColour(role) ? { '--role': roleColour(role) } : {} }) }));
  if (option.choices?.length) return option.choices.map((choice) => ({ value: choice.value, label: choice.name }));
  switch (option.type) {
    case 5: return [{ value: true, label: 'True' }, { value: false, label: 'False' }];
    case 6: return people();
    case 7: return channelsNow().filter((channel) => !option.channel_types?.length || option.channel_types.includes(channel.type)).map((channel) => ({ value: channel.id, label: channelName(channel), face: icon(channel.type === 2 ? 'voice' : 'hash') }));
    case 8: return roles();
    case 9: return [...people(), ...roles()];
    default: return null;
  }
}

/** One option of the command: its element, and a function that gives its value or says what is wrong with it. */
function addField(option) {
  const id = `option-${option.name}`;
  const input = h('input', { type: 'text', id, role: 'combobox', 'aria-expanded': 'false', 'aria-controls': 'suggestions', 'aria-autocomplete': 'list', 'aria-describedby': `${id}-about`, 'aria-required': String(Boolean(option.required)),
    inputmode: { 4: 'numeric', 10: 'decimal' }[option.type], autocomplete: 'off', spellcheck: 'false', size: '4', readonly: option.type === 11, placeholder: option.type === 11 ? 'choose a file' : null });
  const about = h('span', { id: `${id}-about`, class: 'aside' }, `${option.description}. ${OPTION_TYPES[option.type] ?? 'value'}${option.required ? ', required' : ''}`);
  const node = h('span', { class: 'pill' }, h('label', { for: id }, option.name), input, about);
  const field = { option, node, input, chosen: null, asked: 0, offered: [], file: null };
  if (option.type === 11) takesFile(field);
  form.fields.push(field);
  form.left = form.left.filter((each) => each !== option);
  form.more.before(node);
  drawMore();

  const size = () => { input.style.width = `${Math.min(Math.max(input.value.length, 3) + 1, 40)}ch`; };
  const entries = entriesOf(option);
  const suggestions = () => {
    if (option.autocomplete) return field.offered;
    const typed = field.chosen ? '' : input.value.trim().toLowerCase().replace(/^[@#]/, '');
    // What begins with it comes before what only contains it.
    const rank = (entry) => Math.min(...[entry.label, entry.detail ?? ''].map((text) => { const at = text.toLowerCase().replace(/^[@#]/, '').indexOf(typed); return at < 0 ? 2 : Math.min(at, 1); }));
    return [0, 1].flatMap((wanted) => (entries ?? []).filter((entry) => rank(entry) === wanted)).slice(0, 25);
  };
  field.tell = (wrong) => {
    field.wrong = wrong;
    node.classList.toggle('wrong-pill', Boolean(wrong));
    if (wrong) input.setAttribute('aria-invalid', 'true'); else input.removeAttribute('aria-invalid');
    about.textContent = `${wrong ? `${wrong} ` : ''}${option.description}. ${OPTION_TYPES[option.type] ?? 'value'}${option.required ? ', required' : ''}`;
  };
  field.show = () => {
    const found = suggestions();
    const nothing = entries && !found.length ? 'Nothing fits what you typed.' : '';
    const marked = field.chosen ? found.findIndex((entry) => entry.value === field.chosen.value) : input.value || option.required || entries ? 0 : -1;
    showPicker({
      owner: input, kind: 'option', at: marked, nothing,
      items: found.map((entry) => ({ ...entry, pick: () => field.take(entry) })),
      head: [h('p', { class: 'about' }, h('b', {}, option.name), ' ', option.description, h('span', { class: 'keys' }, [OPTION_TYPES[option.type], boundsOf(option)].filter(Boolean).join(', '))),
        field.wrong && h('p', { class: 'wrong', role: 'alert' }, field.wrong)],
    });
  };
  field.take = (entry) => {
    field.chosen = { value: entry.value, label: entry.label };
    input.value = entry.label;
    size();
    field.tell('');
    const next = form.fields.slice(form.fields.indexOf(field) + 1).find((each) => each.option.required && !each.input.value);
    (next?.input ?? (form.left.length || !document.activeElement ? form.more : input)).focus();
    if (document.activeElement === input) field.show();
  };
  /** Asks the bot; only the newest question's answer counts. */
  field.complete = () => {
    clearTimeout(field.timer);
    field.timer = setTimeout(async () => {
      field.asked += 1;
      const mine = field.asked;
      const typed = form?.fields.filter((each) => each !== field && each.input.value).map((each) => ({ each, ...read(each) })).filter(({ wrong, value }) => !wrong && value !== undefined) ?? [];
      const options = [...typed.map(({ each, value }) => ({ name: each.option.name, type: each.option.type, value })), { name: option.name, type: option.type, value: input.value }];
      try {
        const choices = await askChoices({ as: state.me.id, channel_id: state.channel, command_id: form.invocation.command.id, options: nested(options), focused: option.name });
        if (mine !== field.asked || !form) return;
        field.offered = choices.map((choice) => ({ value: choice.value, label: choice.name }));
      } catch (error) {
        if (mine !== field.asked || !form) return;
        field.offered = [];
        field.tell(error.message);
      }
      if (document.activeElement === input) field.show();
    }, PAUSE);
  };
  input.addEventListener('focus', () => { if (option.autocomplete && !field.chosen) field.complete(); field.show(); });
  input.addEventListener('blur', () => { if (form && input.value) field.tell(read(field).wrong ?? ''); leave(); });
  input.addEventListener('input', () => {
    field.chosen = null;
    size();
    const { wrong } = input.value && !entries ? read(field) : {};
    field.tell(wrong ?? '');
    if (option.autocomplete) field.complete();
    field.show();
  });
  input.addEventListener('keydown', (event) => optionKeys(event, field));
  return field;
}

/** A file is chosen, dropped or pasted; Enter and the arrow down open the choice. */
function takesFile(field) {
  const { input } = field;
  input.style.width = '14ch';
  field.give = ([file]) => {
    if (!file) return;
    field.file = file;
    input.value = file.name;
    input.style.width = `${Math.min(file.name.length + 1, 40)}ch`;
    field.tell('');
    input.focus();
  };
  const ask = () => pickFiles(field.give, false);
  input.addEventListener('click', ask);
  input.addEventListener('paste', (event) => { if (event.clipboardData.files.length) { event.preventDefault(); field.give([...event.clipboardData.files]); } });
  input.addEventListener('drop', (event) => { event.preventDefault(); event.stopPropagation(); field.give([...event.dataTransfer.files]); });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === ' ' || (event.key === 'Enter' && !field.file)) { event.preventDefault(); event.stopImmediatePropagation(); ask(); }
    if (event.key === 'Backspace' && field.file) { event.preventDefault(); event.stopImmediatePropagation(); field.file = null; input.value = ''; }
  });
}

function optionKeys(event, field) {
  if (event.isComposing || movePick(event)) return;
  const { input } = field;
  const open = picker.owner === input && picker.at >= 0 && !field.chosen;
  if (open && (event.key === 'Enter' || (event.key === 'Tab' && !event.shiftKey))) picker.items[picker.at].pick();
  else if (event.key === 'Enter') sendSlash();
  else if (event.key === 'Escape') closeSlash();
  else if (event.key === 'Backspace' && !input.value) {
    const at = form.fields.indexOf(field);
    if (!field.option.required) removeField(field);
    else if (at > 0) form.fields[at - 1].input.focus();
    else retype();
  } else return;
  event.preventDefault();
}

/** A field's value, nothing if it is empty, or what is wrong with it. */
function read(field) {
  const { option, input, chosen } = field;
  if (chosen) return { value: chosen.value };
  if (option.type === 11) return field.file ? { value: field.file } : option.required ? { wrong: 'Choose a file.' } : {};
  const text = option.type === 3 ? encodeMentions(input.value) : input.value.trim();
  if (!text) return option.required ? { wrong: 'This option is required.' } : {};
  const entries = entriesOf(option);
  if (entries) {
    const bare = (label) => label.toLowerCase().replace(/^[@#]/, '');
    const found = entries.find((entry) => bare(entry.label) === bare(text) || entry.detail?.toLowerCase() === bare(text) || entry.value === text);
    return found ? { value: found.value } : { wrong: option.choices?.length ? 'This has to be one of the choices.' : `No ${OPTION_TYPES[option.type]} here is called that.` };
  }
  if (option.type === 4 || option.type === 10) {
    const value = Number(text);
    if (option.type === 4 && !Number.isSafeInteger(value)) return { wrong: 'This has to be a whole number.' };
    if (!Number.isFinite(value)) return { wrong: 'This has to be a number.' };
    if (value < (option.min_value ?? -Infinity) || value > (option.max_value ?? Infinity)) return { wrong: `This has to be ${boundsOf(option)}.` };
    return { value };
  }
  if (option.type === 3 && (text.length < (option.min_length ?? 0) || text.length > (option.max_length ?? 6000))) return { wrong: `This has to have ${boundsOf(option)}.` };
  return { value: text };
}

/** Options as Discord nests them below groups and sub-commands. */
const nested = (values) => form.invocation.path.slice(1).reduceRight((inner, step) => [{ name: step.name, type: step.type, options: inner }], values);

async function sendSlash(event) {
  event?.preventDefault();
  if (!form) return;
  const { invocation, fields } = form;
  const values = [];
  let faulty = null;
  for (const field of fields) {
    const { value, wrong } = read(field);
    field.tell(wrong ?? '');
    if (wrong) faulty ??= field;
    else if (value !== undefined) values.push({ name: field.option.name, type: field.option.type, value });
  }
  if (faulty) { faulty.input.focus(); faulty.show(); return; }
  const files = values.filter(({ value }) => value instanceof File).map(({ value }) => value);
  const options = nested(values.map((each) => (each.value instanceof File ? { ...each, value: { file: files.indexOf(each.value) } } : each)));
  const shown = [`/${invocation.name}`, ...fields.filter((field) => field.input.value).map((field) => `${field.option.name}: ${field.input.value}`)].join(' ');
  const call = { kind: 'slash', channelId: state.channel, command: shown, phase: 'waiting' };
  closeSlash();
  complain('');
  state.waiting.add(call);
  drawWaiting();
  scrollDown();
  const body = { as: state.me.id, channel_id: state.channel, command_id: invocation.command.id, options };
  await track(call, '/page/slash', files.length ? withFiles(body, files) : body);
}
$('slash').addEventListener('submit', sendSlash);
