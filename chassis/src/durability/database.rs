//! What a commit survives in a database.

use super::{Guarantee, Held};
use crate::db::{Db, DbError, Engine};
use crate::q;

pub(super) async fn read(service: &str, db: &Db) -> Result<Held, DbError> {
    let (engine, (survives, because, cure)) = match db.engine() {
        Engine::Sqlite => ("SQLite", sqlite(db).await?),
        Engine::Postgres => ("PostgreSQL", postgres(db).await?),
    };
    Ok(Held { what: service.to_owned(), engine, unit: "a commit", survives, because, cure })
}

type Judged = (Guarantee, String, &'static str);

async fn sqlite(db: &Db) -> Result<Judged, DbError> {
    // Of the one connection that writes; others are opened with the same settings.
    let synchronous: i64 = q!(db.write, scalar, "PRAGMA synchronous")?;
    let journal: String = q!(db.write, scalar, "PRAGMA journal_mode")?;
    Ok(judge_sqlite(synchronous, &journal))
}

fn judge_sqlite(synchronous: i64, journal: &str) -> Judged {
    let survives = match (journal, synchronous) {
        // A crash in the middle of a transaction may damage the file.
        ("off" | "memory", _) => Guarantee::Nothing,
        (_, 0 | 1) => Guarantee::ProcessCrash,
        _ => Guarantee::PowerCut,
    };
    let level = ["off", "normal", "full", "extra"];
    let level = usize::try_from(synchronous).ok().and_then(|level_| level.get(level_)).unwrap_or(&"unknown");
    (survives, format!("synchronous {level}, journal_mode {journal}"), "set database.synchronous = full")
}

#[derive(sqlx::FromRow)]
struct Postgres {
    fsync: String,
    synchronous_commit: String,
    full_page_writes: String,
    standbys: String,
}

async fn postgres(db: &Db) -> Result<Judged, DbError> {
    // Of a connection of the pool: a role or a database may have settings of its own.
    let settings: Postgres = q!(
        db.write,
        fetch_one,
        "SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit, \
         current_setting('full_page_writes') AS full_page_writes, \
         current_setting('synchronous_standby_names') AS standbys"
    )?;
    Ok(judge_postgres(&settings))
}

fn judge_postgres(settings: &Postgres) -> Judged {
    let Postgres { fsync, synchronous_commit, full_page_writes, standbys } = settings;
    let on_standbys = !standbys.is_empty() && matches!(synchronous_commit.as_str(), "on" | "remote_apply");
    let (survives, cure) = if synchronous_commit == "off" {
        // The log is written by and by, so that already the end of the server loses the last commits.
        (Guarantee::Nothing, "set synchronous_commit = on for the server, the database or the role")
    } else if fsync != "on" {
        (Guarantee::ProcessCrash, "set fsync = on in the server's postgresql.conf")
    } else if full_page_writes != "on" {
        (Guarantee::ProcessCrash, "set full_page_writes = on in the server's postgresql.conf")
    } else if on_standbys {
        (Guarantee::MachineLoss, "")
    } else {
        (Guarantee::PowerCut, "set synchronous_standby_names on the server, with synchronous_commit = on")
    };
    let mut because = format!(
        "fsync {fsync}, synchronous_commit {synchronous_commit}, full_page_writes {full_page_writes}"
    );
    if on_standbys {
        because += ", synchronous standbys";
    }
    (survives, because, cure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(fsync: &str, synchronous_commit: &str, full_page_writes: &str, standbys: &str) -> Guarantee {
        let text = str::to_owned;
        let settings = Postgres {
            fsync: text(fsync),
            synchronous_commit: text(synchronous_commit),
            full_page_writes: text(full_page_writes),
            standbys: text(standbys),
        };
        judge_postgres(&settings).0
    }

    #[test]
    fn postgresql_is_judged_by_its_weakest_setting() {
        assert_eq!(postgres("on", "on", "on", ""), Guarantee::PowerCut);
        assert_eq!(postgres("on", "local", "on", "one"), Guarantee::PowerCut);
        assert_eq!(postgres("on", "remote_write", "on", "one"), Guarantee::PowerCut);
        assert_eq!(postgres("on", "on", "on", "ANY 1 (one, two)"), Guarantee::MachineLoss);
        assert_eq!(postgres("on", "on", "off", ""), Guarantee::ProcessCrash);
        assert_eq!(postgres("off", "on", "on", "one"), Guarantee::ProcessCrash);
        assert_eq!(postgres("on", "off", "on", ""), Guarantee::Nothing);
        assert_eq!(postgres("off", "off", "off", ""), Guarantee::Nothing);
    }

    #[test]
    fn sqlite_is_judged_by_its_journal_and_by_how_it_is_synchronised() {
        assert_eq!(judge_sqlite(2, "wal").0, Guarantee::PowerCut);
        assert_eq!(judge_sqlite(3, "delete").0, Guarantee::PowerCut);
        assert_eq!(judge_sqlite(1, "wal").0, Guarantee::ProcessCrash);
        assert_eq!(judge_sqlite(0, "wal").0, Guarantee::ProcessCrash);
        assert_eq!(judge_sqlite(2, "memory").0, Guarantee::Nothing);
        assert_eq!(judge_sqlite(1, "wal").1, "synchronous normal, journal_mode wal");
    }
}
