// An ordinary bot on oceanic.js, as released: only its address is the local Discord's.
// It says on standard output what it sees, one JSON object a line; the test reads that.

import {
  ApplicationCommandOptionTypes as Options, ApplicationCommandTypes as Commands, ButtonStyles, ChannelTypes, Client, ComponentTypes, DiscordRESTError,
  InteractionTypes, MessageFlags, TextInputStyles,
} from 'oceanic.js';

const { DISCORD_API_URL, DISCORD_TOKEN } = process.env;
const tell = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));

const client = new Client({ auth: `Bot ${DISCORD_TOKEN}`, rest: { baseURL: `${DISCORD_API_URL}/api/v10` }, gateway: { intents: ['ALL'] } });

const command = (name, description, options = []) => ({ type: Commands.CHAT_INPUT, name, description, options });
const commands = [
  command('echo', 'Says a text so many times.', [
    { type: Options.STRING, name: 'text', description: 'What to say', required: true, autocomplete: true },
    { type: Options.INTEGER, name: 'times', description: 'How often', minValue: 1, maxValue: 3 },
  ]),
  command('slow', 'Takes its time.', [{ type: Options.USER, name: 'who', description: 'Whom it is about', required: true }]),
  command('pick', 'Offers colours.'),
  command('ask', 'Asks something.'),
];

const row = (one) => [{ type: ComponentTypes.ACTION_ROW, components: [one] }];
const again = () => row({ type: ComponentTypes.BUTTON, style: ButtonStyles.PRIMARY, customID: 'again', label: 'Again' });
const colours = () => row({ type: ComponentTypes.STRING_SELECT, customID: 'colour', options: [{ label: 'Red', value: 'red' }, { label: 'Green', value: 'green' }] });
const form = () => row({ type: ComponentTypes.TEXT_INPUT, style: TextInputStyles.SHORT, customID: 'answer', label: 'Answer' });
const names = (all) => all.map((one) => one.name).sort();

client.once('ready', async () => {
  const made = await client.application.bulkEditGlobalCommands(commands);
  tell('registered', { commands: made.map((one) => one.name) });
  const described = client.guilds.map((guild) => ({
    name: guild.name,
    channels: names(guild.channels.filter((channel) => channel.type === ChannelTypes.GUILD_TEXT)),
    roles: names(guild.roles.toArray()),
    members: guild.members.map((member) => member.username).sort(),
  }));
  tell('ready', { user: client.user.id, guilds: described });
});
client.on('shardResume', () => tell('resumed'));
client.on('error', (error) => {
  // Oceanic tells of the dropped connection by an error too; whether it comes back is what is tested.
  if (!/closed|1006|reset|hang up/i.test(String(error))) tell('failed', { at: 'client', error: String(error?.stack ?? error) });
});
process.on('unhandledRejection', (error) => tell('failed', { at: 'promise', error: String(error?.stack ?? error) }));

client.on('messageCreate', async (message) => {
  if (message.author.bot) return;
  const { channelID, content } = message;
  const { channels } = client.rest;
  const reply = (text) => channels.createMessage(channelID, { content: text, messageReference: { messageID: message.id } });
  if (content.startsWith('!ping')) {
    await channels.createReaction(channelID, message.id, '👍');
    await reply(content.replace('!ping', 'pong'));
  } else if (content === '!change') {
    const sent = await channels.createMessage(channelID, { content: 'first' });
    await sent.edit({ content: 'second' });
    await sent.delete();
  } else if (content.startsWith('!ban')) {
    const [user] = message.mentions.users;
    try {
      await client.rest.guilds.createBan(message.guildID, user.id, { reason: 'spam' });
      await reply(`banned ${user.username}`);
    } catch (error) {
      if (!(error instanceof DiscordRESTError)) throw error;
      await reply(`refused ${error.code}`);
    }
  }
});

client.on('messageReactionAdd', (message, reactor, reaction) => {
  if (reactor.id !== client.user.id) tell('reaction', { emoji: reaction.emoji.name });
});

client.on('interactionCreate', async (interaction) => {
  const { data } = interaction;
  if (interaction.type === InteractionTypes.APPLICATION_COMMAND_AUTOCOMPLETE) {
    const typed = data.options.getFocused().value;
    await interaction.result(['!', '?'].map((end) => ({ name: typed + end, value: typed + end })));
  } else if (interaction.type === InteractionTypes.APPLICATION_COMMAND && data.name === 'echo') {
    const [text, times] = [data.options.getString('text', true), data.options.getInteger('times') ?? 1];
    await interaction.createMessage({ content: Array(times).fill(text).join(' '), components: again() });
  } else if (interaction.type === InteractionTypes.APPLICATION_COMMAND && data.name === 'slow') {
    await interaction.defer();
    const who = data.options.getMember('who', true);
    await interaction.editOriginal({ embeds: [{ title: 'Slow', description: `${who.mention} has ${who.roles.length + 1} roles`, color: 0x5865f2 }] });
  } else if (interaction.type === InteractionTypes.APPLICATION_COMMAND && data.name === 'pick') {
    await interaction.createMessage({ content: 'which?', components: colours() });
  } else if (interaction.type === InteractionTypes.APPLICATION_COMMAND) {
    await interaction.createModal({ customID: 'ask', title: 'Ask', components: form() });
  } else if (interaction.type === InteractionTypes.MODAL_SUBMIT) {
    await interaction.createMessage({ content: `you said ${data.components.getTextInput('answer', true)}` });
  } else if (data.componentType === ComponentTypes.BUTTON) {
    await interaction.editParent({ content: `${interaction.message.content} again`, components: [] });
    await interaction.createFollowup({ content: 'only for you', flags: MessageFlags.EPHEMERAL });
  } else {
    await interaction.editParent({ content: `picked ${data.values.getStrings().join(' ')}`, components: [] });
  }
});

await client.connect();
