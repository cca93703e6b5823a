//! What short-lived state survives.

use super::{Guarantee, Held};
use crate::state::{State, StateDurability, StateError};

pub(super) async fn read(state: &State) -> Result<Held, StateError> {
    Ok(judge(&state.durability().await?))
}

fn judge(durability: &StateDurability) -> Held {
    let appended = "set appendonly = yes and appendfsync = always on the server";
    let (engine, survives, because, cure) = match durability {
        StateDurability::Process => {
            ("the process", Guarantee::Nothing, "it is in memory".to_owned(), "set redis.url")
        }
        StateDurability::Cluster => {
            let because = "a replica that takes over may lack the last writes".to_owned();
            ("Redis Cluster", Guarantee::Nothing, because, "a single server can survive more")
        }
        StateDurability::Redis { append_only: Some(false), .. } => {
            ("Redis", Guarantee::Nothing, "appendonly no".to_owned(), appended)
        }
        StateDurability::Redis { append_only: Some(true), sync } => {
            let survives = match sync.as_deref() {
                Some("always") => Guarantee::PowerCut,
                _ => Guarantee::ProcessCrash,
            };
            let sync = sync.as_deref().unwrap_or("not known");
            ("Redis", survives, format!("appendonly yes, appendfsync {sync}"), appended)
        }
        StateDurability::Redis { append_only: None, .. } => {
            let because = "its settings may not be read".to_owned();
            ("Redis", Guarantee::Nothing, because, "allow the commands CONFIG GET and INFO")
        }
    };
    Held { what: "state".to_owned(), engine, unit: "a write", survives, because, cure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_is_judged_by_what_it_writes_and_when_and_doubt_counts_for_nothing() {
        let redis = |append_only, sync: Option<&str>| {
            judge(&StateDurability::Redis { append_only, sync: sync.map(str::to_owned) }).survives
        };
        assert_eq!(redis(Some(true), Some("always")), Guarantee::PowerCut);
        assert_eq!(redis(Some(true), Some("everysec")), Guarantee::ProcessCrash);
        assert_eq!(redis(Some(true), None), Guarantee::ProcessCrash);
        assert_eq!(redis(Some(false), Some("always")), Guarantee::Nothing);
        assert_eq!(redis(None, None), Guarantee::Nothing);
        assert_eq!(judge(&StateDurability::Cluster).survives, Guarantee::Nothing);
    }
}
