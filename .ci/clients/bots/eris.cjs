// An ordinary bot on eris, as released: only its address is the local Discord's.
// It says on standard output what it sees, one JSON object a line; the test reads that.

const http = require('node:http');

// Eris speaks HTTPS only, and to its standard port: that is an address too.
require('node:https').request = http.request;
const { DISCORD_API_URL, DISCORD_TOKEN } = process.env;
const agent = new http.Agent();
agent.defaultPort = Number(new URL(DISCORD_API_URL).port);
const { Client, Constants, CommandInteraction, ComponentInteraction, AutocompleteInteraction, ModalSubmitInteraction, DiscordRESTError } = require('eris');

const { ApplicationCommandOptionTypes: Options, ApplicationCommandTypes: Commands, ButtonStyles, ChannelTypes, ComponentTypes, MessageFlags, TextInputStyles } = Constants;
const tell = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));

const client = new Client(`Bot ${DISCORD_TOKEN}`, { intents: ['all'], rest: { domain: '127.0.0.1', baseURL: '/api/v10', agent } });

const command = (name, description, options = []) => ({ type: Commands.CHAT_INPUT, name, description, options });
const commands = [
  command('echo', 'Says a text so many times.', [
    { type: Options.STRING, name: 'text', description: 'What to say', required: true, autocomplete: true },
    { type: Options.INTEGER, name: 'times', description: 'How often', min_value: 1, max_value: 3 },
  ]),
  command('slow', 'Takes its time.', [{ type: Options.USER, name: 'who', description: 'Whom it is about', required: true }]),
  command('pick', 'Offers colours.'),
  command('ask', 'Asks something.'),
];

const row = (one) => [{ type: ComponentTypes.ACTION_ROW, components: [one] }];
const again = () => row({ type: ComponentTypes.BUTTON, style: ButtonStyles.PRIMARY, custom_id: 'again', label: 'Again' });
const colours = () => row({ type: ComponentTypes.SELECT_MENU, custom_id: 'colour', options: [{ label: 'Red', value: 'red' }, { label: 'Green', value: 'green' }] });
const form = () => row({ type: ComponentTypes.TEXT_INPUT, style: TextInputStyles.SHORT, custom_id: 'answer', label: 'Answer' });
const names = (all) => all.map((one) => one.name).sort();

client.once('ready', async () => {
  const made = await client.bulkEditCommands(commands);
  // Eris 0.18 gives a list, or an object of lists by type.
  tell('registered', { commands: (Array.isArray(made) ? made : Object.values(made).flat()).map((one) => one.name).filter((name) => name) });
  const described = client.guilds.map((guild) => ({
    name: guild.name,
    channels: names(guild.channels.filter((channel) => channel.type === ChannelTypes.GUILD_TEXT)),
    roles: names(guild.roles.map((role) => role)),
    members: guild.members.map((member) => member.username).sort(),
  }));
  tell('ready', { user: client.user.id, guilds: described });
});
client.on('shardResume', () => tell('resumed'));
client.on('error', (error) => {
  // Eris tells of the dropped connection by an error too; whether it comes back is what is tested.
  if (!/1006|reset|hang up|closed/i.test(String(error))) tell('failed', { at: 'client', error: String(error?.stack ?? error) });
});
process.on('unhandledRejection', (error) => tell('failed', { at: 'promise', error: String(error?.stack ?? error) }));

client.on('messageCreate', async (message) => {
  if (message.author.bot) return;
  const { channel, content } = message;
  const reply = (text) => client.createMessage(channel.id, { content: text, messageReference: { messageID: message.id } });
  if (content.startsWith('!ping')) {
    await message.addReaction('👍');
    await reply(content.replace('!ping', 'pong'));
  } else if (content === '!change') {
    const sent = await client.createMessage(channel.id, 'first');
    await sent.edit('second');
    await sent.delete();
  } else if (content.startsWith('!ban')) {
    const [user] = message.mentions;
    try {
      await client.banGuildMember(message.guildID, user.id, { reason: 'spam' });
      await reply(`banned ${user.username}`);
    } catch (error) {
      if (!(error instanceof DiscordRESTError)) throw error;
      await reply(`refused ${error.code}`);
    }
  }
});

client.on('messageReactionAdd', (message, emoji, reactor) => {
  if (reactor.id !== client.user.id) tell('reaction', { emoji: emoji.name });
});

client.on('interactionCreate', async (interaction) => {
  const { data } = interaction;
  if (interaction instanceof AutocompleteInteraction) {
    const typed = data.options.find((option) => option.focused).value;
    await interaction.result(['!', '?'].map((end) => ({ name: typed + end, value: typed + end })));
  } else if (interaction instanceof CommandInteraction && data.name === 'echo') {
    const given = Object.fromEntries(data.options.map((option) => [option.name, option.value]));
    await interaction.createMessage({ content: Array(given.times ?? 1).fill(given.text).join(' '), components: again() });
  } else if (interaction instanceof CommandInteraction && data.name === 'slow') {
    await interaction.acknowledge();
    const who = data.resolved.members.get(data.options[0].value);
    await interaction.editOriginalMessage({ embeds: [{ title: 'Slow', description: `${who.mention} has ${who.roles.length + 1} roles`, color: 0x5865f2 }] });
  } else if (interaction instanceof CommandInteraction && data.name === 'pick') {
    await interaction.createMessage({ content: 'which?', components: colours() });
  } else if (interaction instanceof CommandInteraction) {
    await interaction.createModal({ custom_id: 'ask', title: 'Ask', components: form() });
  } else if (interaction instanceof ModalSubmitInteraction) {
    await interaction.createMessage(`you said ${data.components[0].components[0].value}`);
  } else if (interaction instanceof ComponentInteraction && data.component_type === ComponentTypes.BUTTON) {
    await interaction.editParent({ content: `${interaction.message.content} again`, components: [] });
    await interaction.createFollowup({ content: 'only for you', flags: MessageFlags.EPHEMERAL });
  } else {
    await interaction.editParent({ content: `picked ${data.values.join(' ')}`, components: [] });
  }
});

client.connect();
