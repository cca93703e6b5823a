//! Topics of Kafka: made on first use, and what is known about them.

use super::{Kafka, Quiet, away, blocking, client};
use crate::bus::BusError;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::Client;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::collections::HashSet;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

/// A topic that is there.
pub(super) struct Found {
    name: String,
    pub(super) partitions: Vec<i32>,
    /// The fewest copies of any partition.
    pub(super) replicas: u32,
}

impl Kafka {
    pub(super) fn known(&self) -> MutexGuard<'_, HashSet<Box<str>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a topic if it is not there.
    pub(super) async fn topic(&self, topic: &str) -> Result<(), BusError> {
        let is_known = self.known().contains(topic);
        if is_known {
            return Ok(());
        }
        let name = self.name(topic);
        if !is_there(&self.metadata(Some(name.clone())).await?) {
            let admin = Arc::new(client(&self.servers).create_with_context(Quiet).map_err(away)?);
            let made = self.make(&admin, name).await;
            // Its end waits for a thread of its own.
            blocking(move || {
                drop(admin);
                Ok(())
            })
            .await?;
            made?;
        }
        self.known().insert(topic.into());
        Ok(())
    }

    async fn make(&self, admin: &Arc<AdminClient<Quiet>>, name: String) -> Result<(), BusError> {
        let Err(error) = self.create(admin, &name).await else { return Ok(()) };
        // A broker that lets nobody make topics may still make one that is asked for by who may write.
        tracing::debug!(topic = name, %error, "a topic could not be made");
        let (admin, patience) = (Arc::clone(admin), self.request_timeout);
        let found = blocking(move || fetch(admin.inner(), Some(&name), patience)).await?;
        if is_there(&found) { Ok(()) } else { Err(away(error)) }
    }

    async fn create(&self, admin: &AdminClient<Quiet>, name: &str) -> Result<(), KafkaError> {
        let partitions = i32::try_from(self.partitions).unwrap_or(i32::MAX);
        let replicas = i32::try_from(self.replicas).unwrap_or(i32::MAX);
        let retention = self.keep.as_millis().to_string();
        let max_bytes = self.max_message_bytes.to_string();
        // The majority: one copy may be away.
        let min_insync = (self.replicas / 2 + 1).to_string();
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas))
            .set("retention.ms", &retention)
            .set("max.message.bytes", &max_bytes)
            .set("min.insync.replicas", &min_insync);
        let made = admin.create_topics([&topic], &self.admin_options()).await?;
        match made.into_iter().next() {
            None | Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
            Some(Err((_, code))) => Err(KafkaError::AdminOp(code)),
        }
    }

    fn admin_options(&self) -> AdminOptions {
        // Half, so that time is left for what is done when it fails.
        let patience = self.request_timeout / 2;
        AdminOptions::new().request_timeout(Some(patience)).operation_timeout(Some(patience))
    }

    /// What the broker says about one topic, or all.
    pub(super) async fn metadata(&self, topic: Option<String>) -> Result<Vec<Found>, BusError> {
        let (lookup, patience) = (Arc::clone(&self.lookup), self.request_timeout);
        blocking(move || ask(&lookup, topic.as_deref(), patience)).await
    }

    /// The topics of this installation.
    pub(super) async fn own_topics(&self) -> Result<Vec<Found>, BusError> {
        let ours = self.name("");
        let mut topics = self.metadata(None).await?;
        topics.retain(|topic| topic.name.starts_with(&ours));
        Ok(topics)
    }

    /// The least `min.insync.replicas` of these topics; nothing when the broker does not tell.
    pub(super) async fn min_insync(&self, topics: &[Found]) -> Option<u32> {
        if topics.is_empty() {
            return Some(self.replicas / 2 + 1);
        }
        let asked: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(&topic.name)).collect();
        let admin: AdminClient<Quiet> = client(&self.servers).create_with_context(Quiet).ok()?;
        let told = admin.describe_configs(&asked, &self.admin_options()).await.ok();
        blocking(move || {
            drop(admin);
            Ok(())
        })
        .await
        .ok()?;
        let told = told?;
        let of_each = told.into_iter().map(|config| {
            let config = config.ok()?;
            config.get("min.insync.replicas")?.value.as_ref()?.parse().ok()
        });
        of_each.collect::<Option<Vec<u32>>>()?.into_iter().min()
    }
}

/// Blocks.
pub(super) fn ask(
    lookup: &BaseConsumer<Quiet>,
    topic: Option<&str>,
    patience: Duration,
) -> Result<Vec<Found>, BusError> {
    let found = fetch(lookup.client(), topic, patience);
    // What it has to report about brokers that are away would pile up.
    while lookup.poll(Duration::ZERO).is_some() {}
    found
}

fn is_there(found: &[Found]) -> bool {
    found.iter().any(|topic| !topic.partitions.is_empty())
}

/// Blocks. A client that reads does not make the topic that it asks for; one that writes may.
fn fetch(client: &Client<Quiet>, topic: Option<&str>, patience: Duration) -> Result<Vec<Found>, BusError> {
    let metadata = client.fetch_metadata(topic, patience).map_err(away)?;
    let found = metadata.topics().iter().map(|topic| Found {
        name: topic.name().to_owned(),
        partitions: topic.partitions().iter().map(|partition| partition.id()).collect(),
        replicas: topic
            .partitions()
            .iter()
            .map(|partition| u32::try_from(partition.replicas().len()).unwrap_or(u32::MAX))
            .min()
            .unwrap_or_default(),
    });
    Ok(found.collect())
}
