use std::fmt::Debug;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use proptest::collection::vec;
use proptest::prelude::*;

use super::Format;
use crate::config::{Loader, Mode, Problems, Raw, Settings, Sources, Validate, Value, settings};

settings! {
    /// One of each type.
    struct All {
        /// A flag.
        flag: bool = false;
        /// A small number.
        small: u16 = 0;
        /// A number.
        number: u32 = 0;
        /// A large number.
        large: u64 = 0;
        /// A size.
        size: usize = 0;
        /// A number below zero.
        signed: i64 = 0;
        /// A share.
        share: f64 = 0.0;
        /// A text.
        text: String = String::new();
        /// A path.
        path: PathBuf = PathBuf::from(".");
        /// An address.
        address: IpAddr = IpAddr::from([0, 0, 0, 0]);
        /// A network.
        network: IpNet = IpNet::from(IpAddr::from([0, 0, 0, 0]));
        /// A choice.
        choice: Format = Format::Json;
        /// Perhaps a number.
        perhaps: Option<u64> = None;
        /// Numbers.
        numbers: Vec<i64> = Vec::new();
        /// Texts.
        texts: Vec<String> = Vec::new();
        /// A word of the language.
        r#type: u16 = 0;
    }
}

impl Validate for All {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

/// Text without a URL, whose password would be masked.
fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("no URL", |text| !text.contains("://"))
}

fn all() -> impl Strategy<Value = All> {
    let numbers = (any::<bool>(), any::<u16>(), any::<u32>(), any::<u64>(), any::<usize>(), any::<i64>());
    let texts = (text(), "[ -~]*[a-z]", any::<IpAddr>(), any::<IpAddr>(), 0..=32_u8, any::<bool>());
    let lists = (any::<Option<u64>>(), vec(any::<i64>(), 0..5), vec("[^,]*[a-z]", 0..5));
    let share = any::<f64>().prop_filter("finite", |share| share.is_finite());
    (numbers, texts, lists, share).prop_map(|(numbers, texts, lists, share)| All {
        flag: numbers.0,
        small: numbers.1,
        number: numbers.2,
        large: numbers.3,
        size: numbers.4,
        signed: numbers.5,
        share,
        text: texts.0,
        path: PathBuf::from(texts.1),
        address: texts.2,
        network: IpNet::new(texts.3, texts.4).unwrap(),
        choice: if texts.5 { Format::Pretty } else { Format::Json },
        perhaps: lists.0,
        numbers: lists.1,
        texts: lists.2.into_iter().filter(|text| !text.contains("://")).collect(),
        r#type: numbers.1,
    })
}

/// The value of an entry's line of TOML.
fn read<T: Value>(rendered: &str) -> T {
    settings! {
        /// One value.
        struct One {
            /// It.
            it: Wrapped = Wrapped(Raw::Boolean(false));
        }
    }
    impl Validate for One {
        fn validate(&self, _: Mode, _: &mut Problems) {}
    }
    #[derive(Clone, Debug)]
    struct Wrapped(Raw);
    impl Value for Wrapped {
        const KIND: &'static str = "anything";
        fn parse(raw: &Raw) -> Result<Self, String> {
            Ok(Self(raw.clone()))
        }
        fn render(&self) -> String {
            String::new()
        }
    }
    let toml = format!("[x]\nit = {rendered}");
    let mut loader = Loader::new(Sources::from_parts::<&str, &str>(Some(&toml), []), Mode::Development);
    let one: One = loader.section("x");
    loader.finish().unwrap();
    T::parse(&one.it.0).unwrap()
}

fn assert_round_trip<T: Value + PartialEq + Debug>(value: &T) {
    assert_eq!(&read::<T>(&value.render()), value);
}

proptest! {
    #[test]
    fn every_value_is_read_back_from_what_it_is_written_as(all in all()) {
        assert_round_trip(&all.flag);
        assert_round_trip(&all.small);
        assert_round_trip(&all.number);
        assert_round_trip(&all.large);
        assert_round_trip(&all.size);
        assert_round_trip(&all.signed);
        assert_round_trip(&all.share);
        assert_round_trip(&all.text);
        assert_round_trip(&all.path);
        assert_round_trip(&all.address);
        assert_round_trip(&all.network);
        assert_round_trip(&all.choice);
        assert_round_trip(&all.perhaps);
        assert_round_trip(&all.numbers);
        assert_round_trip(&all.texts);
    }

    #[test]
    fn every_value_is_read_from_a_variable_as_people_write_it(all in all()) {
        let join = |numbers: &[i64]| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let variables = [
            ("BOWLINE_X__FLAG", all.flag.to_string()),
            ("BOWLINE_X__SMALL", all.small.to_string()),
            ("BOWLINE_X__NUMBER", all.number.to_string()),
            ("BOWLINE_X__LARGE", all.large.to_string()),
            ("BOWLINE_X__SIZE", all.size.to_string()),
            ("BOWLINE_X__SIGNED", all.signed.to_string()),
            ("BOWLINE_X__SHARE", all.share.to_string()),
            ("BOWLINE_X__TEXT", all.text.clone()),
            ("BOWLINE_X__PATH", all.path.to_str().unwrap().to_owned()),
            ("BOWLINE_X__ADDRESS", all.address.to_string()),
            ("BOWLINE_X__NETWORK", all.network.to_string()),
            ("BOWLINE_X__CHOICE", all.choice.to_string()),
            ("BOWLINE_X__PERHAPS", all.perhaps.map(|number| number.to_string()).unwrap_or_default()),
            ("BOWLINE_X__NUMBERS", join(&all.numbers)),
            ("BOWLINE_X__TYPE", all.r#type.to_string()),
        ];
        let expected = All { texts: Vec::new(), ..all };
        let mut loader = Loader::new(Sources::from_parts(None, variables), Mode::Development);
        let read: All = loader.section("x");
        let text = loader.finish().unwrap().to_text();
        prop_assert_eq!(format!("{read:?}"), format!("{expected:?}"));
        // What is printed is TOML to everybody, and says the same again.
        prop_assert!(text.parse::<toml::Table>().is_ok(), "{}", text);
        let mut loader = Loader::new(Sources::from_parts::<&str, &str>(Some(&text), []), Mode::Development);
        let again: All = loader.section("x");
        loader.finish().unwrap();
        prop_assert_eq!(format!("{again:?}"), format!("{expected:?}"));
    }

    #[test]
    fn no_file_makes_the_loader_panic(toml in "[ -~\n]{0,80}", value in any::<String>()) {
        let mut loader = Loader::new(Sources::from_parts(Some(&toml), [("BOWLINE_X__SMALL", value)]), Mode::Production);
        let _: All = loader.section("x");
        if let Err(errors) = loader.finish() {
            prop_assert!(!errors.errors.is_empty());
        }
    }
}

#[test]
fn a_flag_is_written_in_any_usual_way() {
    for (text, flag) in
        [("true", true), ("1", true), ("YES", true), ("on", true), ("false", false), ("off", false)]
    {
        assert_eq!(bool::parse(&Raw::Text(text.to_owned())), Ok(flag));
    }
    assert!(bool::parse(&Raw::Text("maybe".to_owned())).is_err());
    assert!(bool::parse(&Raw::Integer(1)).is_err());
}

#[test]
fn only_a_finite_number_is_a_number() {
    for text in ["nan", "inf", "-inf", "1e999", ""] {
        assert!(f64::parse(&Raw::Text(text.to_owned())).is_err(), "{text}");
    }
    assert_eq!(f64::parse(&Raw::Integer(3)), Ok(3.0));
}

#[test]
fn a_raw_name_is_shown_without_its_mark() {
    assert!(All::fields().iter().any(|field| field.name == "type"));
}
