"""An ordinary bot on hikari, as released: only its address is the local Discord's.

It says on standard output what it sees, one JSON object a line; the test reads that.
"""

import sealed  # first: before anything could connect

import json
import os
import traceback

import hikari

assert sealed.is_local("127.0.0.1")
bot = hikari.GatewayBot(
    os.environ["DISCORD_TOKEN"],
    rest_url=os.environ["DISCORD_API_URL"] + "/api/v10",
    intents=hikari.Intents.ALL,
    banner=None,
    logs="ERROR",
)


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


@bot.listen()
async def started(event: hikari.StartedEvent):
    text = hikari.CommandOption(type=hikari.OptionType.STRING, name="text", description="What to say", is_required=True, autocomplete=True)
    times = hikari.CommandOption(type=hikari.OptionType.INTEGER, name="times", description="How often", min_value=1, max_value=3)
    who = hikari.CommandOption(type=hikari.OptionType.USER, name="who", description="Whom it is about", is_required=True)
    build = bot.rest.slash_command_builder
    commands = [
        build("echo", "Says a text so many times.").add_option(text).add_option(times),
        build("slow", "Takes its time.").add_option(who),
        build("pick", "Offers colours."),
        build("ask", "Asks something."),
    ]
    made = await bot.rest.set_application_commands(bot.get_me().id, commands)
    tell("registered", commands=[command.name for command in made])


@bot.listen()
async def available(event: hikari.GuildAvailableEvent):
    guild = event.guild
    described = {
        "name": guild.name,
        "channels": sorted(one.name for one in guild.get_channels().values() if one.type == hikari.ChannelType.GUILD_TEXT),
        "roles": sorted(role.name for role in guild.get_roles().values()),
        "members": sorted(member.username for member in guild.get_members().values()),
    }
    tell("ready", user=str(bot.get_me().id), guilds=[described])


@bot.listen()
async def resumed(event: hikari.ShardResumedEvent):
    tell("resumed")


@bot.listen()
async def said(event: hikari.GuildMessageCreateEvent):
    message = event.message
    if message.author.is_bot:
        return
    if message.content.startswith("!ping"):
        await message.add_reaction("👍")
        await message.respond(message.content.replace("!ping", "pong"), reply=True)
    elif message.content == "!change":
        sent = await message.respond("first")
        await sent.edit("second")
        await sent.delete()
    elif message.content.startswith("!ban"):
        user = message.user_mentions_ids[0]
        try:
            await bot.rest.ban_user(message.guild_id, user, reason="spam")
            await message.respond(f"banned {message.user_mentions[user].username}", reply=True)
        except hikari.ForbiddenError as refused:
            await message.respond(f"refused {int(refused.code)}", reply=True)


@bot.listen()
async def reacted(event: hikari.GuildReactionAddEvent):
    if event.user_id != bot.get_me().id:
        tell("reaction", emoji=str(event.emoji_name))


@bot.listen()
async def used(event: hikari.InteractionCreateEvent):
    interaction = event.interaction
    now = hikari.ResponseType.MESSAGE_CREATE
    row = bot.rest.build_message_action_row()
    if isinstance(interaction, hikari.AutocompleteInteraction):
        typed = interaction.options[0].value
        await interaction.create_response([hikari.impl.AutocompleteChoiceBuilder(typed + end, typed + end) for end in "!?"])
    elif isinstance(interaction, hikari.ModalInteraction):
        await interaction.create_initial_response(now, f"you said {interaction.components[0].components[0].value}")
    elif isinstance(interaction, hikari.ComponentInteraction):
        update = hikari.ResponseType.MESSAGE_UPDATE
        if interaction.custom_id == "colour":
            await interaction.create_initial_response(update, f"picked {' '.join(interaction.values)}", components=[])
        else:
            await interaction.create_initial_response(update, f"{interaction.message.content} again", components=[])
            await interaction.execute("only for you", flags=hikari.MessageFlag.EPHEMERAL)
    elif interaction.command_name == "echo":
        given = {option.name: option.value for option in interaction.options}
        row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "again", label="Again")
        await interaction.create_initial_response(now, " ".join([given["text"]] * given.get("times", 1)), component=row)
    elif interaction.command_name == "slow":
        await interaction.create_initial_response(hikari.ResponseType.DEFERRED_MESSAGE_CREATE)
        who = interaction.resolved.members[interaction.options[0].value]
        embed = hikari.Embed(title="Slow", description=f"{who.mention} has {len(who.role_ids)} roles", colour=0x5865F2)
        await interaction.edit_initial_response(embed=embed)
    elif interaction.command_name == "pick":
        row.add_text_menu("colour").add_option("Red", "red").add_option("Green", "green")
        await interaction.create_initial_response(now, "which?", component=row)
    else:
        form = bot.rest.build_modal_action_row().add_text_input("answer", "Answer")
        await interaction.create_modal_response("Ask", "ask", component=form)


@bot.listen()
async def failed(event: hikari.ExceptionEvent):
    tell("failed", at=type(event.failed_event).__name__, error="".join(traceback.format_exception(event.exception)))


# Without asking PyPI whether there is a newer hikari.
bot.run(check_for_updates=False)
