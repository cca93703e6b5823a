//! Whether a new AsyncAPI document keeps what the published one promised.
//!
//! Events of a published version lie in logs and databases, and older code reads what newer code writes. So a version
//! may change only in ways that neither reading old data by new code nor new data by old code notices: a field more that
//! is not required. Words for people do not count.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Keywords that say nothing about the data.
const WORDS: [&str; 9] = [
    "description",
    "title",
    "summary",
    "example",
    "examples",
    "default",
    "deprecated",
    "$comment",
    "readOnly",
];

/// What breaks the promise, a line each.
pub(crate) fn broken(published: &Value, now: &Value) -> Vec<String> {
    let messages = |document: &Value| {
        document.pointer("/components/messages").and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let current = messages(now);
    let mut comparison = Comparison { published, now, seen: BTreeSet::new(), broken: Vec::new() };
    for kind in messages(published).keys() {
        if current.contains_key(kind) {
            let pointer = format!("/components/schemas/{kind}");
            let data = |document: &Value| document.pointer(&pointer).cloned().unwrap_or_default();
            comparison.schemas(kind, &data(published), &data(now));
        } else {
            comparison.broken.push(format!("{kind} is gone"));
        }
    }
    comparison.broken
}

struct Comparison<'a> {
    published: &'a Value,
    now: &'a Value,
    /// References that are being compared, or were.
    seen: BTreeSet<(String, String)>,
    broken: Vec<String>,
}

impl Comparison<'_> {
    fn schemas(&mut self, place: &str, old: &Value, new: &Value) {
        let (old_reference, old) = resolve(self.published, old);
        let (new_reference, new) = resolve(self.now, new);
        if let (Some(old), Some(new)) = (old_reference, new_reference)
            && !self.seen.insert((old, new))
        {
            return;
        }
        match (&old, &new) {
            (Value::Object(old), Value::Object(new)) => self.objects(place, old, new),
            (old, new) if old == new => {}
            _ => self.broken.push(format!("{place} allows something else")),
        }
    }

    fn objects(&mut self, place: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
        let keywords: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for keyword in keywords {
            let absent = Value::Null;
            let value = |schema: &Map<String, Value>| schema.get(keyword).unwrap_or(&absent).clone();
            let (before, after) = (value(old), value(new));
            match keyword.as_str() {
                word if WORDS.contains(&word) => {}
                "properties" => self.properties(place, old, &before, &after),
                "required" => self.required(place, &before, &after),
                "enum" => self.values(place, &before, &after),
                "type" if names(&before) != names(&after) => {
                    self.broken.push(format!("{place} is of another type: {before} became {after}"));
                }
                "type" => {}
                "items" | "additionalProperties" | "propertyNames" => {
                    self.schemas(&format!("{place}[]"), &before, &after);
                }
                "oneOf" | "anyOf" | "allOf" => self.choices(place, keyword, &before, &after),
                _ if before == after => {}
                _ => self.broken.push(format!("{place}: {keyword} was {before} and is {after}")),
            }
        }
    }

    fn properties(&mut self, place: &str, old: &Map<String, Value>, before: &Value, after: &Value) {
        let empty = Map::new();
        let (before, after) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
        for (name, schema) in before {
            let place = format!("{place}.{name}");
            match after.get(name) {
                Some(now) => self.schemas(&place, schema, now),
                None => self.broken.push(format!("{place} is gone")),
            }
        }
        let is_closed = old.get("additionalProperties") == Some(&Value::Bool(false));
        for name in after.keys().filter(|name| is_closed && !before.contains_key(*name)) {
            self.broken.push(format!("{place}.{name} is new, and older readers refuse unknown fields"));
        }
    }

    fn required(&mut self, place: &str, before: &Value, after: &Value) {
        let (before, after) = (names(before), names(after));
        for name in after.difference(&before) {
            self.broken.push(format!("{place}.{name} is required now"));
        }
        for name in before.difference(&after) {
            self.broken.push(format!("{place}.{name} is not required any more, and older readers need it"));
        }
    }

    fn values(&mut self, place: &str, before: &Value, after: &Value) {
        let texts = |value: &Value| -> BTreeSet<String> {
            value.as_array().into_iter().flatten().map(Value::to_string).collect()
        };
        let (old, new) = (texts(before), texts(after));
        for value in old.difference(&new) {
            self.broken.push(format!("{place} does not allow {value} any more"));
        }
        for value in new.difference(&old) {
            self.broken.push(format!("{place} allows {value}, which older readers do not know"));
        }
    }

    /// The same alternatives, in any order.
    fn choices(&mut self, place: &str, keyword: &str, before: &Value, after: &Value) {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let (before, after) = (list(before), list(after));
        let fits = |old: &Value, new: &Value| {
            let seen = self.seen.clone();
            let mut trial = Comparison { published: self.published, now: self.now, seen, broken: Vec::new() };
            trial.schemas(place, old, new);
            trial.broken.is_empty()
        };
        let all = |ones: &[Value], others: &[Value], flip: bool| {
            ones.iter()
                .all(|one| others.iter().any(|other| if flip { fits(other, one) } else { fits(one, other) }))
        };
        if before.len() != after.len() || !all(&before, &after, false) || !all(&after, &before, true) {
            self.broken.push(format!("{place}: the alternatives of {keyword} are others"));
        }
    }
}

/// A text or a list of texts.
fn names(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(one) => BTreeSet::from([one.clone()]),
        Value::Array(many) => many.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        _ => BTreeSet::new(),
    }
}

/// What a reference leads to, and where that is.
fn resolve(document: &Value, schema: &Value) -> (Option<String>, Value) {
    let mut place = None;
    let mut schema = schema.clone();
    while let Some(reference) = schema.get("$ref").and_then(Value::as_str).map(str::to_owned) {
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        schema = target.cloned().unwrap_or_default();
        if place.replace(reference.clone()).is_some_and(|before| before == reference) {
            break;
        }
    }
    (place, schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(data: &Value) -> Value {
        let kinds = json!({ "order.placed.v1": {} });
        let line = json!({
            "type": "object",
            "required": ["quantity"],
            "properties": { "quantity": { "type": "integer", "minimum": 0 }, "next": { "$ref": "#/components/schemas/Line" } },
        });
        json!({ "components": { "messages": kinds, "schemas": { "order.placed.v1": data, "Line": line } } })
    }

    fn placed() -> Value {
        json!({
            "type": "object",
            "description": "An order.",
            "required": ["order", "lines"],
            "properties": {
                "order": { "type": "string", "format": "uuid" },
                "note": { "type": ["string", "null"] },
                "state": { "type": "string", "enum": ["new", "paid"] },
                "lines": { "type": "array", "items": { "$ref": "#/components/schemas/Line" } },
                "by": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Line" }] },
            },
        })
    }

    /// What is wrong with a change of the published data.
    fn after(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut changed = placed();
        change(&mut changed);
        broken(&document(&placed()), &document(&changed))
    }

    #[test]
    fn the_same_is_compatible() {
        assert_eq!(after(|_| ()), [""; 0]);
    }

    #[test]
    fn a_field_more_that_is_not_required_is_compatible() {
        assert_eq!(after(|data| data["properties"]["gift"] = json!({ "type": "boolean" })), [""; 0]);
    }

    #[test]
    fn words_for_people_are_compatible() {
        assert_eq!(after(|data| data["description"] = "An order was placed.".into()), [""; 0]);
    }

    #[test]
    fn alternatives_in_another_order_are_compatible() {
        let turned = json!([{ "$ref": "#/components/schemas/Line" }, { "type": "null" }]);
        assert_eq!(after(|data| data["properties"]["by"]["oneOf"] = turned), [""; 0]);
    }

    #[test]
    fn a_field_that_is_gone_is_not() {
        let broken = after(|data| drop(data["properties"].as_object_mut().unwrap().remove("note")));
        assert_eq!(broken, ["order.placed.v1.note is gone"]);
    }

    #[test]
    fn a_field_with_another_name_is_not() {
        let broken = after(|data| {
            let fields = data["properties"].as_object_mut().unwrap();
            let note = fields.remove("note").unwrap();
            fields.insert("remark".to_owned(), note);
        });
        assert_eq!(broken, ["order.placed.v1.note is gone"]);
    }

    #[test]
    fn a_field_of_another_type_is_not() {
        for other in [
            json!({ "type": "integer" }),
            json!({ "type": "string" }),
            json!({ "$ref": "#/components/schemas/Line" }),
        ] {
            assert_ne!(after(|data| data["properties"]["note"] = other.clone()), [""; 0], "{other}");
        }
        assert_ne!(after(|data| data["properties"]["order"]["format"] = "date".into()), [""; 0]);
        assert_ne!(after(|data| data["properties"]["lines"]["items"] = json!({ "type": "string" })), [""; 0]);
    }

    #[test]
    fn a_field_that_is_newly_required_is_not() {
        let broken = after(|data| data["required"] = json!(["order", "lines", "note"]));
        assert_eq!(broken, ["order.placed.v1.note is required now"]);
        let added = after(|data| {
            data["properties"]["gift"] = json!({ "type": "boolean" });
            data["required"] = json!(["order", "lines", "gift"]);
        });
        assert_eq!(added, ["order.placed.v1.gift is required now"]);
    }

    #[test]
    fn a_field_that_older_readers_need_may_not_become_optional() {
        assert_eq!(after(|data| data["required"] = json!(["order"])).len(), 1);
    }

    #[test]
    fn neither_fewer_nor_more_values_of_an_enum_are() {
        let fewer = after(|data| data["properties"]["state"]["enum"] = json!(["new"]));
        assert_eq!(fewer, ["order.placed.v1.state does not allow \"paid\" any more"]);
        let more = after(|data| data["properties"]["state"]["enum"] = json!(["new", "paid", "sent"]));
        assert_eq!(more, ["order.placed.v1.state allows \"sent\", which older readers do not know"]);
    }

    #[test]
    fn an_alternative_less_or_more_is_not() {
        for other in [json!([{ "type": "null" }]), json!([{ "type": "null" }, { "type": "string" }])] {
            assert_eq!(after(|data| data["properties"]["by"]["oneOf"] = other.clone()).len(), 1, "{other}");
        }
    }

    #[test]
    fn a_change_behind_a_reference_is_found() {
        let (published, mut now) = (document(&placed()), document(&placed()));
        now["components"]["schemas"]["Line"]["properties"]["quantity"]["minimum"] = 1.into();
        let broken = broken(&published, &now);
        assert!(
            broken.iter().any(|line| line.contains("lines[].quantity: minimum was 0 and is 1")),
            "{broken:?}"
        );
    }

    #[test]
    fn a_field_more_where_unknown_ones_are_refused_is_not() {
        let mut closed = placed();
        closed["additionalProperties"] = false.into();
        let mut more = closed.clone();
        more["properties"]["gift"] = json!({ "type": "boolean" });
        assert_eq!(broken(&document(&closed), &document(&more)).len(), 1);
    }

    #[test]
    fn a_type_or_version_that_is_gone_is_not_and_a_new_one_is() {
        let published = document(&placed());
        let mut now = published.clone();
        now["components"]["messages"] = json!({ "order.placed.v2": {} });
        assert_eq!(broken(&published, &now), ["order.placed.v1 is gone"]);
        now["components"]["messages"] =
            json!({ "order.placed.v1": {}, "order.placed.v2": {}, "order.sent.v1": {} });
        assert_eq!(broken(&published, &now), [""; 0]);
    }
}
