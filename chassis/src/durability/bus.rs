//! What a record survives that the bus has confirmed.

use super::{Guarantee, Held};
use crate::bus::{Bus, BusDurability, BusError};
use crate::db::Synchronous;

pub(super) async fn read(bus: &Bus) -> Result<Held, BusError> {
    Ok(judge(bus.durability().await?))
}

fn judge(durability: BusDurability) -> Held {
    let (engine, survives, because, cure) = match durability {
        BusDurability::Embedded { synchronous } => {
            let survives = match synchronous {
                Synchronous::Normal => Guarantee::ProcessCrash,
                Synchronous::Full => Guarantee::PowerCut,
            };
            ("SQLite", survives, format!("synchronous {synchronous}"), "set database.synchronous = full")
        }
        BusDurability::Nats { replicas } => {
            let (survives, because) = if replicas > 1 {
                let because = format!(
                    "{replicas} replicas: a power cut of one of its servers, not of all at once, because a server writes \
                     to the disk every two minutes unless its sync_interval says otherwise, which cannot be read"
                );
                (Guarantee::PowerCut, because)
            } else {
                let because = "1 replica, and a server writes to the disk every two minutes unless its sync_interval \
                               says otherwise, which cannot be read";
                (Guarantee::ProcessCrash, because.to_owned())
            };
            let cure = "give the streams three replicas (`nats stream edit --replicas 3`) and set bus.replicas = 3 for new ones";
            ("NATS JetStream", survives, because, cure)
        }
        BusDurability::Kafka { replicas, min_insync } => {
            let survives = match min_insync {
                Some(2..) if replicas > 1 => Guarantee::PowerCut,
                _ => Guarantee::ProcessCrash,
            };
            let min = min_insync.map_or_else(|| "not known".to_owned(), |count| count.to_string());
            let because = format!("acks all, replication factor {replicas}, min.insync.replicas {min}");
            let cure = "give the topics a replication factor of 3 and min.insync.replicas = 2, and set bus.replicas = 3 for new ones";
            ("Kafka", survives, because, cure)
        }
    };
    Held { what: "bus".to_owned(), engine, unit: "a confirmed record", survives, because, cure }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survives(durability: BusDurability) -> Guarantee {
        judge(durability).survives
    }

    #[test]
    fn one_server_that_writes_by_and_by_does_not_survive_a_power_cut() {
        assert_eq!(survives(BusDurability::Nats { replicas: 1 }), Guarantee::ProcessCrash);
        assert_eq!(survives(BusDurability::Nats { replicas: 3 }), Guarantee::PowerCut);
    }

    #[test]
    fn kafka_needs_two_that_have_a_record_before_it_is_confirmed() {
        let kafka = |replicas, min_insync| survives(BusDurability::Kafka { replicas, min_insync });
        assert_eq!(kafka(3, Some(2)), Guarantee::PowerCut);
        assert_eq!(kafka(3, Some(1)), Guarantee::ProcessCrash);
        assert_eq!(kafka(3, None), Guarantee::ProcessCrash);
        assert_eq!(kafka(1, Some(2)), Guarantee::ProcessCrash);
    }

    #[test]
    fn the_embedded_log_is_as_safe_as_its_file() {
        let embedded = |synchronous| survives(BusDurability::Embedded { synchronous });
        assert_eq!(embedded(Synchronous::Full), Guarantee::PowerCut);
        assert_eq!(embedded(Synchronous::Normal), Guarantee::ProcessCrash);
    }
}
