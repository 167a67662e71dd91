//! Values into types, limits of types.
//!
//! What the host would never send is refused with what is wanted, and never panics.

#![allow(clippy::unwrap_used, reason = "tests")]

use plugin_protocol::UserId;

use super::*;
use crate::{Member, User, argument::plain::DISCORD_LIMIT};

fn user() -> User {
    let id = UserId::new(1).expect("not 0");
    User {
        id,
        username: "alice".into(),
        global_name: None,
        avatar: None,
        bot: false,
    }
}

fn read<T: Argument>(value: impl Into<Option<ArgumentValue>>) -> Result<T, String> {
    let mut arguments = Arguments::new(value.into().map(|value| ("x".to_owned(), value)).into_iter().collect());
    arguments.take("x").map_err(|wrong| wrong.to_string())
}

#[test]
fn values_are_read_into_the_types_of_parameters() {
    assert_eq!(
        read::<String>(ArgumentValue::String("a b".into())),
        Ok("a b".to_owned())
    );
    assert_eq!(read::<i64>(ArgumentValue::Integer(-5)), Ok(-5));
    assert_eq!(read::<u8>(ArgumentValue::Integer(255)), Ok(255));
    assert_eq!(read::<f64>(ArgumentValue::Number(0.5)), Ok(0.5));
    assert_eq!(read::<f32>(ArgumentValue::Integer(2)), Ok(2.0));
    assert_eq!(read::<bool>(ArgumentValue::Boolean(true)), Ok(true));
    assert_eq!(read::<User>(ArgumentValue::User(user())), Ok(user()));
    assert_eq!(read::<Option<i64>>(ArgumentValue::Integer(3)), Ok(Some(3)));
    assert_eq!(read::<Option<i64>>(None), Ok(None));
}

#[test]
fn values_that_do_not_fit_are_refused_with_what_is_wanted() {
    let says = |text: &str| Err(format!("the argument `x` must be {text}"));
    assert_eq!(
        read::<u8>(ArgumentValue::Integer(256)).map(|_| ()),
        says("a whole number between 0 and 255")
    );
    assert_eq!(
        read::<u64>(ArgumentValue::Integer(-1)).map(|_| ()),
        says("a whole number, not negative")
    );
    assert_eq!(read::<String>(None).map(|_| ()), says("a text"));
    assert_eq!(
        read::<Option<bool>>(ArgumentValue::Integer(1)).map(|_| ()),
        says("yes or no")
    );
    assert_eq!(
        read::<Member>(ArgumentValue::User(user())).map(|_| ()),
        says("a member of this server")
    );
}

#[test]
fn limits_are_such_as_their_type_can_be() {
    assert_eq!(Some(check_limit(<Option<u8> as Argument>::SHAPE, 255.0)), Some(255.0));
    assert_eq!(Some(check_limit(<f64 as Argument>::SHAPE, 0.5)), Some(0.5));
    let wrong = |check: fn() -> f64| std::panic::catch_unwind(check).is_err();
    assert!(
        wrong(|| check_limit(<u8 as Argument>::SHAPE, 256.0)) && wrong(|| check_limit(<u8 as Argument>::SHAPE, -1.0))
    );
    assert!(
        wrong(|| check_limit(<i64 as Argument>::SHAPE, 0.5)) && wrong(|| check_limit(<i64 as Argument>::SHAPE, 1e16))
    );
    assert!(wrong(|| check_limit(<String as Argument>::SHAPE, 1.0)));
}

#[test]
fn limits_are_the_types_and_discords() {
    assert_eq!(
        (u8::MIN, <u8 as Argument>::SHAPE.min, <u8 as Argument>::SHAPE.max),
        (0, Some(0.0), Some(255.0))
    );
    assert_eq!(<i64 as Argument>::SHAPE.max, Some(DISCORD_LIMIT));
    assert_eq!(<i64 as Argument>::SHAPE.min, Some(-DISCORD_LIMIT));
    assert_eq!(<Option<i32> as Argument>::SHAPE.max, Some(2_147_483_647.0));
    assert_eq!(<f64 as Argument>::SHAPE.max, None);
}

#[test]
fn lists_and_types_of_the_authors_own() {
    struct Even(i64);

    impl ParseArgument for Even {
        const WANTS: &'static str = "an even number";

        fn parse(text: &str) -> Result<Self> {
            let number = text.parse()?;
            if number % 2 == 1 {
                return crate::refuse("That is odd.");
            }
            Ok(Self(number))
        }
    }

    let text = |text: &str| ArgumentValue::String(text.to_owned());
    let refusal = |given: &str| {
        let mut arguments = Arguments::new([("x".to_owned(), text(given))].into());
        let error = arguments.take::<Even>("x").map(|even| even.0).unwrap_err();
        error.wrong_argument().unwrap().refusal().unwrap().into_owned()
    };
    assert_eq!(read::<Even>(text("4")).map(|even| even.0), Ok(4));
    assert_eq!(refusal("3"), "That is odd.");
    assert_eq!(refusal("`x"), "`x` wants an even number, not `'x`.");
    assert_eq!(
        read::<Vec<i64>>(ArgumentValue::List(vec![
            ArgumentValue::Integer(1),
            ArgumentValue::Integer(2)
        ])),
        Ok(vec![1, 2])
    );
    assert_eq!(read::<Vec<i64>>(None), Ok(Vec::new()));
    let time = read::<DateTime>(ArgumentValue::Date(-5)).unwrap();
    assert_eq!((time.unix_seconds(), time.to_string()), (-5, "<t:-5>".to_owned()));
    assert_eq!(Colour(0xbc9c).to_string(), "#00bc9c");
}
