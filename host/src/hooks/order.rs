//! In which order the callbacks of an event run. Pure.
//!
//! Those of higher priority first, and to their end. Of one priority, each plugin's run one after the other, in the order in
//! which it names them; those of different plugins at the same time.

use super::listener::Listener;

/// Callbacks of one priority: those of each plugin, in their order.
pub type Rank = Vec<Vec<Listener>>;

/// Puts them in order: ranks that follow each other.
#[must_use]
pub fn ranks(mut listeners: Vec<Listener>) -> Vec<Rank> {
    // Stable: what comes first stays first.
    listeners.sort_by_key(|listener| std::cmp::Reverse(listener.priority));
    let mut ranks: Vec<(i32, Rank)> = Vec::new();
    for listener in listeners {
        if ranks.last().is_none_or(|(priority, _)| *priority != listener.priority) {
            ranks.push((listener.priority, Rank::new()));
        }
        let Some((_, rank)) = ranks.last_mut() else { continue };
        match rank.iter_mut().find(|of_one| of_one[0].plugin == listener.plugin) {
            Some(of_one) => of_one.push(listener),
            None => rank.push(vec![listener]),
        }
    }
    ranks.into_iter().map(|(_, rank)| rank).collect()
}

#[cfg(test)]
mod tests {
    use plugin_protocol::hooks::HookSubscription;

    use super::*;

    #[test]
    fn higher_priorities_come_first_and_plugins_stay_beside_each_other() {
        let listener = |id: &str, priority| {
            let (plugin, function) = id.split_once('.').expect("an id");
            let hook = HookSubscription {
                event: "bot_ready".to_owned(),
                function: function.to_owned(),
                priority,
            };
            Listener::declared(&plugin.parse().expect("a name"), &hook)
        };
        let ordered = ranks(vec![
            listener("a.one", 0),
            listener("b.one", 0),
            listener("a.two", 0),
            listener("c.first", 5),
            listener("b.last", -1),
            listener("a.zero", 5),
        ]);
        let of_one = |of_one: &Vec<Listener>| of_one.iter().map(|one| &*one.id).collect::<Vec<_>>().join(" ");
        let of_rank = |rank: &Rank| rank.iter().map(of_one).collect::<Vec<_>>().join(" | ");
        let told: Vec<_> = ordered.iter().map(of_rank).collect();
        assert_eq!(told, ["c.first | a.zero", "a.one a.two | b.one", "b.last"]);
    }
}
