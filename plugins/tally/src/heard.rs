//! Messages that are numbered by channel, from 1: how many came, which are missing or came twice, and whether in order.
//! A part of the state that is handed on: what a reload loses is found missing by the next generation.

use std::collections::BTreeMap;

use plugin_api::{
    serde::{Deserialize, Serialize},
    serde_json::{Value, json},
};

/// What was heard, by channel.
#[derive(Default, Deserialize, Serialize)]
#[serde(crate = "plugin_api::serde")]
pub(crate) struct Heard(BTreeMap<u64, Channel>);

#[derive(Default, Deserialize, Serialize)]
#[serde(crate = "plugin_api::serde")]
struct Channel {
    last: u64,
    highest: u64,
    count: u64,
    /// Of all numbers: with the count, it shows one that is missing while another came twice.
    sum: u64,
    out_of_turn: u64,
}

impl Heard {
    /// One more.
    pub(crate) fn add(&mut self, channel: u64, number: u64) {
        let channel = self.0.entry(channel).or_default();
        channel.out_of_turn += u64::from(number < channel.last);
        channel.last = number;
        channel.highest = channel.highest.max(number);
        channel.count += 1;
        channel.sum += number;
    }

    /// How many came; how many channels are not complete up to their highest number; how many came behind a later one.
    pub(crate) fn sum_up(&self) -> Value {
        let count: u64 = self.0.values().map(|channel| channel.count).sum();
        let out_of_turn: u64 = self.0.values().map(|channel| channel.out_of_turn).sum();
        let is_complete = |channel: &&Channel| {
            channel.count == channel.highest && channel.sum == channel.highest * (channel.highest + 1) / 2
        };
        let incomplete = self.0.values().filter(|channel| !is_complete(channel)).count();
        json!({ "count": count, "incomplete": incomplete, "out_of_turn": out_of_turn })
    }
}
