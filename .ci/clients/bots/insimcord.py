"""The bot on discord.py in simcord, in this process: it does the same as against the local Discord, and ends with the same
transcript.
"""

import sealed  # first: before anything could connect

import asyncio

import discord
import simcord

from discordpy import Bot

assert sealed.is_local("127.0.0.1")


async def main():
    async with simcord.run(Bot()) as env:
        owner = env.create_user("olivia", global_name="Olivia")
        guild = env.create_guild("Sandbox", owner=owner)
        general = guild.create_text_channel("general")
        role = guild.create_role("Friend")
        olivia = simcord.MemberActor(env, guild, owner)
        alice = guild.add_member(env.create_user("alice", global_name="Alice"), roles=[role])
        mallory = guild.add_member(env.create_user("mallory", global_name="Mallory"))
        await olivia.send(general, "!ping there")
        echoed = await olivia.slash(general, "echo", text="hey", times=2)
        await olivia.click(echoed.response.message, custom_id="again")
        await olivia.slash(general, "slow", who=alice)
        picked = await olivia.slash(general, "pick")
        await olivia.select(picked.response.message, ["green"], custom_id="colour")
        asked = await olivia.slash(general, "ask")
        await olivia.submit_modal(asked, {"answer": "forty-two"})
        await olivia.send(general, "!change")
        await olivia.send(general, f"!ban {mallory.mention}")
        await olivia.send(general, f"!ban {olivia.mention}")
        await olivia.send(general, "!transcript")


asyncio.run(main())
