//! What a client may ask to be told of.

use crate::texts::texts;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use uuid::Uuid;

texts! {
    /// A subject of the live channel.
    Topic {
        /// What happens to orders.
        Orders = "orders",
        /// What happens to events of organisations.
        Events = "events",
        /// What happens to todos.
        Todos = "todos",
        /// Messages to a person.
        Notifications = "notifications",
    }
}

/// Which messages of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// `orders`: those that concern who asks, by their name or by an organisation of theirs.
    Mine,
    /// `orders/{id}`: those about one thing.
    Of(Uuid),
    /// `orders/all`: every one; for who has the permission of the topic.
    All,
}

/// What a client asks to be told of; as a text `orders`, `orders/{id}` or `orders/all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subscription {
    /// The topic.
    pub topic: Topic,
    /// Which of its messages.
    pub which: Which,
}

/// A text that is no subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be one of orders, events, todos, notifications, or one of these with /{{id}} or /all")]
pub struct NotATopic;

impl From<Topic> for Subscription {
    fn from(topic: Topic) -> Self {
        Self { topic, which: Which::Mine }
    }
}

impl FromStr for Subscription {
    type Err = NotATopic;

    fn from_str(text: &str) -> Result<Self, NotATopic> {
        let (topic, which) = text.split_once('/').map_or((text, None), |(topic, which)| (topic, Some(which)));
        let topic = Topic::parse(topic).ok_or(NotATopic)?;
        let which = match which {
            None => Which::Mine,
            Some("all") => Which::All,
            // The one form in which ids are written: 36 characters.
            Some(id) if id.len() == 36 => Which::Of(id.parse().map_err(|_| NotATopic)?),
            Some(_) => return Err(NotATopic),
        };
        Ok(Self { topic, which })
    }
}

impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.which {
            Which::Mine => self.topic.fmt(f),
            Which::Of(id) => write!(f, "{}/{id}", self.topic),
            Which::All => write!(f, "{}/all", self.topic),
        }
    }
}

impl Serialize for Subscription {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subscription {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_subscription_is_a_topic_and_which_of_its_messages() {
        let id = Uuid::now_v7();
        for (text, which) in [
            ("orders".to_owned(), Which::Mine),
            ("orders/all".to_owned(), Which::All),
            (format!("orders/{id}"), Which::Of(id)),
        ] {
            let read: Subscription = text.parse().unwrap();
            assert_eq!(read, Subscription { topic: Topic::Orders, which });
            assert_eq!(read.to_string(), text);
        }
        let odd = format!("orders/{}", id.simple());
        for text in [
            "",
            "Orders",
            "order",
            "orders/",
            "orders/1",
            "orders/all/",
            "orders//all",
            "/orders",
            "orders ",
            &odd,
        ] {
            assert_eq!(text.parse::<Subscription>(), Err(NotATopic), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_written_the_same_or_refused(text in "(orders|events|todos|x)?/?[a-z0-9/-]{0,40}") {
            if let Ok(read) = text.parse::<Subscription>() {
                prop_assert_eq!(read.to_string(), text);
            }
        }
    }
}
