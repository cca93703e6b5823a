use super::*;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// What `entry.posted.v1` said.
#[derive(Serialize, Deserialize, ToSchema)]
struct EntryPostedV1 {
    account: String,
    amount: i64,
}

/// What `entry.posted.v2` said.
#[derive(Serialize, Deserialize, ToSchema)]
struct EntryPostedV2 {
    account: String,
    cents: i64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
struct EntryPosted {
    account: String,
    lines: Vec<Line>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
struct Line {
    cents: i64,
    currency: String,
}

impl Event for EntryPosted {
    const TYPE: &'static str = "entry.posted";
    const VERSION: u32 = 3;
    const ABOUT: &'static str = "An entry was posted.";
    const OLDER: &'static [OlderVersion] =
        &[OlderVersion::of::<EntryPostedV1>(1), OlderVersion::of::<EntryPostedV2>(2)];

    fn key(&self) -> String {
        self.account.clone()
    }

    fn upcast(version: u32, data: Value) -> Result<Value, UpcastError> {
        match version {
            1 => {
                let amount =
                    data["amount"].as_i64().ok_or_else(|| UpcastError::new("amount is not a number"))?;
                Ok(json!({ "account": data["account"], "cents": amount * 100 }))
            }
            2 => {
                let line = json!({ "cents": data["cents"], "currency": "EUR" });
                Ok(json!({ "account": data["account"], "lines": [line] }))
            }
            _ => Err(UpcastError::unknown(version)),
        }
    }
}

const POSTED: EventSpec = EventSpec::of::<EntryPosted>();

fn posted() -> EntryPosted {
    EntryPosted { account: "a1".to_owned(), lines: vec![Line { cents: 250, currency: "EUR".to_owned() }] }
}

fn document() -> Value {
    json!({
        "specversion": "1.0",
        "id": "0199a6d2-7c51-7a43-9a6f-0f3f6e1f9b11",
        "source": "/ledger",
        "type": "entry.posted.v3",
        "subject": "a1",
        "time": "2026-11-21T03:00:00+01:00",
        "data": { "account": "a1", "lines": [{ "cents": 250, "currency": "EUR" }] },
    })
}

fn parse(document: &Value) -> Result<CloudEvent, EnvelopeError> {
    CloudEvent::from_json(document.to_string().as_bytes())
}

fn of_version(version: u32, data: Value) -> CloudEvent {
    let mut document = document();
    document["type"] = wire_type("entry.posted", version).into();
    document["data"] = data;
    parse(&document).unwrap()
}

#[test]
fn an_event_is_read_as_it_was_published() {
    let event = CloudEvent::of(&posted(), Uuid::now_v7(), "/ledger", OffsetDateTime::UNIX_EPOCH).unwrap();
    assert_eq!(
        (event.kind.as_str(), event.subject.as_str(), event.topic()),
        ("entry.posted.v3", "a1", "entry")
    );
    let read = CloudEvent::from_json(&event.to_json().unwrap()).unwrap();
    assert_eq!(read, event);
    assert_eq!(read.read::<EntryPosted>(), Ok(posted()));
}

#[test]
fn an_old_event_is_brought_to_the_newest_version_step_by_step() {
    let first = of_version(1, json!({ "account": "a1", "amount": 2 }));
    assert_eq!(first.read::<EntryPosted>().unwrap().lines[0].cents, 200);
    let second = of_version(2, json!({ "account": "a1", "cents": 250 }));
    assert_eq!(second.read::<EntryPosted>(), Ok(posted()));
}

#[test]
fn an_event_of_a_newer_version_is_known_as_such() {
    let newer = of_version(4, json!({ "anything": true }));
    let expected = ReadError::Newer { kind: "entry.posted", version: 4, known: 3 };
    assert_eq!(newer.read::<EntryPosted>(), Err(expected.clone()));
    assert_eq!(POSTED.check(4, json!({})), Err(expected));
}

#[test]
fn data_that_does_not_fit_names_the_field_and_not_its_value() {
    let wrong = json!({ "account": "a1", "lines": [{ "cents": "secret", "currency": "EUR" }] });
    for error in [of_version(3, wrong.clone()).read::<EntryPosted>().map(drop), POSTED.check(3, wrong)] {
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "entry.posted.v3: `lines[0].cents` is not i64");
    }
    let missing = of_version(3, json!({ "account": "a1", "lines": [{ "cents": 1 }] }));
    let error = missing.read::<EntryPosted>().unwrap_err().to_string();
    assert_eq!(error, "entry.posted.v3: `lines[0].currency` is missing");
}

#[test]
fn old_data_that_cannot_be_brought_forward_says_at_which_version() {
    let error = of_version(1, json!({ "account": "a1" })).read::<EntryPosted>().unwrap_err();
    assert!(matches!(error, ReadError::Upcast { version: 1, .. }), "{error}");
    let error = of_version(2, json!({ "account": "a1" })).read::<EntryPosted>().unwrap_err();
    assert!(
        matches!(&error, ReadError::Invalid { version: 2, field, .. } if field == "lines[0].cents"),
        "{error}"
    );
}

#[test]
fn an_event_of_another_type_is_not_read() {
    for other in
        ["entry.removed.v3", "entry.posted", "entry.posted.v03", "entry.posted.v0", "entry.posted.v+3"]
    {
        let mut document = document();
        document["type"] = other.into();
        let error = parse(&document).unwrap().read::<EntryPosted>().unwrap_err();
        assert!(matches!(error, ReadError::OtherType { .. }), "{other}: {error}");
    }
}

#[test]
fn a_field_that_is_not_known_yet_does_not_stop_a_reader() {
    let mut data = document()["data"].clone();
    data["note"] = "later".into();
    assert_eq!(of_version(3, data).read::<EntryPosted>(), Ok(posted()));
}

#[test]
fn the_time_is_in_utc_on_the_wire() {
    let written = parse(&document()).unwrap().to_json().unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["time"], "2026-11-21T02:00:00Z");
}

#[test]
fn a_malformed_envelope_is_refused_with_the_name_of_the_attribute() {
    let long = "x".repeat(3);
    let cases = [
        ("specversion", vec![Value::Null, json!("0.3"), json!(1.0)]),
        ("id", vec![Value::Null, json!(""), json!("7"), json!(7)]),
        ("source", vec![Value::Null, json!(""), json!("a b"), json!("%zz"), json!("/é")]),
        ("type", vec![Value::Null, json!(""), json!("a\nb"), json!([])]),
        ("subject", vec![Value::Null, json!(""), json!("a\u{7}"), json!({})]),
        ("time", vec![Value::Null, json!("yesterday"), json!("2026-11-21"), json!(0)]),
        ("datacontenttype", vec![json!("text/plain"), json!("json"), json!("")]),
        ("dataschema", vec![json!("/relative"), json!(""), json!(3), json!("1a:b")]),
        ("traceparent", vec![json!("00-1-2-3"), json!(long), json!(1)]),
        ("tracestate", vec![json!(""), json!(1)]),
        ("correlationid", vec![json!(""), json!("a\rb"), json!(true)]),
        ("data", vec![Value::Null]),
        ("data_base64", vec![json!("AA==")]),
    ];
    for (attribute, values) in cases {
        for value in values {
            let mut document = document();
            document[attribute] = value.clone();
            let error = parse(&document).map(|_| ()).unwrap_err();
            assert_eq!(error.attribute, attribute, "{attribute} = {value}");
        }
    }
    for attribute in ["specversion", "id", "source", "type", "subject", "time", "data"] {
        let mut document = document();
        document.as_object_mut().unwrap().remove(attribute);
        assert_eq!(parse(&document).map(|_| ()).unwrap_err().attribute, attribute);
    }
}

#[test]
fn an_attribute_that_is_there_twice_is_refused() {
    let document = document().to_string().replacen('{', r#"{"subject":"b2","#, 1);
    let error = CloudEvent::from_json(document.as_bytes()).map(|_| ()).unwrap_err();
    assert_eq!(error.attribute, "subject");
    assert!(CloudEvent::from_json(b"[]").is_err() && CloudEvent::from_json(b"{").is_err());
}

#[test]
fn extensions_of_others_are_kept_and_impossible_ones_passed_over() {
    let mut document = document();
    let extensions = json!({ "sampledrate": 3, "flag": true, "x1": "y", "Upper": 1, "list": [1], "big": 5_000_000_000_i64, "none": null });
    document.as_object_mut().unwrap().extend(extensions.as_object().unwrap().clone());
    let read = parse(&document).unwrap();
    let kept: BTreeMap<_, _> = [("sampledrate", json!(3)), ("flag", json!(true)), ("x1", json!("y"))]
        .map(|(n, v)| (n.to_owned(), v))
        .into();
    assert_eq!(read.extensions, kept);
}

#[test]
fn what_would_be_refused_is_not_written() {
    let mut event = parse(&document()).unwrap();
    event.source = "a b".to_owned();
    assert_eq!(event.to_json().unwrap_err().attribute, "source");
    event.source = "/ledger".to_owned();
    event.extensions.insert("id".to_owned(), json!("another"));
    assert_eq!(event.to_json().unwrap_err().attribute, "id");
    assert!(
        CloudEvent::of(&EntryPosted { account: String::new(), lines: vec![] }, event.id, "/l", event.time)
            .is_err()
    );
}

#[test]
fn a_declaration_knows_its_schema_and_those_before() {
    let schema = serde_json::to_value(POSTED.schema().schema).unwrap();
    assert!(schema["properties"]["lines"].is_object(), "{schema}");
    assert!(POSTED.schema().parts.iter().any(|(name, _)| name == "Line"));
    assert_eq!(POSTED.older[0].schema().name, "EntryPostedV1");
    assert_eq!((POSTED.wire_type().as_str(), POSTED.topic()), ("entry.posted.v3", "entry"));
}

/// Any text that an attribute may be.
fn text() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,20}"
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

fn extension() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text().prop_map(Value::from)
    ]
}

fn any_event() -> impl Strategy<Value = CloudEvent> {
    let micros = 0_i128..253_402_300_799_999_999;
    let required = (any::<u128>(), "[a-zA-Z0-9/:._~-]{1,20}", text(), text(), micros);
    let optional = (
        prop::option::of("[a-z]{1,5}:[a-zA-Z0-9/._~-]{0,20}"),
        prop::option::of("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"),
        prop::option::of(text()),
        prop::option::of(text()),
        prop::collection::btree_map("x[a-z0-9]{0,10}", extension(), 0..4),
    );
    (required, optional, json_value()).prop_map(|(required, optional, data)| CloudEvent {
        id: Uuid::from_u128(required.0),
        source: required.1,
        kind: required.2,
        subject: required.3,
        time: OffsetDateTime::from_unix_timestamp_nanos(required.4 * 1_000).unwrap(),
        data_schema: optional.0,
        traceparent: optional.1,
        tracestate: optional.2,
        correlation_id: optional.3,
        extensions: optional.4,
        data: serde_json::value::to_raw_value(&data).unwrap(),
    })
}

proptest! {
    #[test]
    fn any_event_comes_back_as_it_was_written(event in any_event()) {
        let written = event.to_json().unwrap();
        prop_assert_eq!(CloudEvent::from_json(&written).unwrap(), event);
    }

    #[test]
    fn any_document_is_read_or_refused(document in json_value()) {
        drop(parse(&document));
    }

    #[test]
    fn an_attribute_of_any_wrong_kind_is_refused_by_name(
        attribute in prop::sample::select(vec!["specversion", "id", "source", "type", "subject", "time", "traceparent", "correlationid"]),
        value in prop_oneof![any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from), Just(json!([])), Just(json!({})), Just(json!(""))],
    ) {
        let mut document = document();
        document[attribute] = value;
        prop_assert_eq!(parse(&document).map(|_| ()).unwrap_err().attribute, attribute);
    }
}
