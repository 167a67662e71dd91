//! What is registered under a name is what the router finds under it, in every set, however important others are.
//!
//! Apart from the plan's other tests, since it asks the index of commands, too.

use plugin_protocol::{Menu, MenuTarget};

use super::*;
use crate::{
    commands::CommandIndex,
    slash::{Offered, at_home, everywhere},
};

fn any_command() -> impl Strategy<Value = Command> {
    let menus = prop::collection::vec((0..3_usize, any::<bool>()), 0..3);
    (menus, -1..2_i32, any::<bool>(), any::<bool>()).prop_map(|(menus, priority, owner_only, slash)| Command {
        arguments: vec![argument("who", ArgumentKind::User, true)],
        menus: menus
            .into_iter()
            .map(|(name, _)| Menu {
                target: MenuTarget::User,
                name: ["Kick", "Show", "Info"][name].to_owned(),
                ..Menu::default()
            })
            .collect(),
        slash_priority: priority,
        owner_only,
        doors: Doors { prefix: true, slash },
        ..command("")
    })
}

fn any_plugin() -> impl Strategy<Value = (Vec<Command>, bool)> {
    let names = ["ping", "pong", "about"];
    let commands = prop::collection::vec(any_command(), 1..=3).prop_map(move |mut commands| {
        for (command, name) in commands.iter_mut().zip(names) {
            name.clone_into(&mut command.name);
        }
        commands
    });
    (commands, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn plan_and_index_agree_on_who_has_a_name(plugins in prop::collection::vec(any_plugin(), 1..4)) {
        let guild = plugin_protocol::GuildId::new(1).unwrap();
        let offers: Vec<_> = plugins
            .into_iter()
            .enumerate()
            .map(|(number, (commands, is_limited))| Offered {
                plugin: format!("p{number}").parse().unwrap(),
                commands,
                groups: Vec::new(),
                only_in: is_limited.then(|| [guild].into()),
            })
            .collect();
        let index = CommandIndex::build(offers.iter().map(|offered| (offered.plugin.clone(), offered.commands.clone())));
        let limits = Limits::default();
        let all = everywhere(&offers, &Held::default(), limits);
        let own = at_home(&offers, (guild, true), &Held::default(), limits);
        for planned in all.commands.iter().chain(&own.owners) {
            prop_assert_eq!(&planned.plugin, index.slash(&planned.name).unwrap().0);
        }
        for planned in all.menus.iter().chain(&own.owners_menus) {
            prop_assert_eq!(&planned.plugin, index.menu(MenuTarget::User, &planned.name).unwrap().0);
        }
        let twice = all.menus.iter().any(|menu| own.owners_menus.iter().any(|own| own.key() == menu.key()));
        prop_assert!(!twice);
        // Each name is registered somewhere: nobody loses it to one who does not get it either.
        for offered in &offers {
            for menu in offered.commands.iter().flat_map(|command| &command.menus) {
                let mut planned = all.menus.iter().chain(&own.owners_menus);
                prop_assert!(planned.any(|planned| planned.name == menu.name));
            }
        }
    }
}
