//! Searching passages: FTS5 on SQLite, `tsvector` on PostgreSQL. Both are given the same words and asked the same: which
//! passages of these knowledge bases have this word. What is found is weighed alike on both, and ranked by
//! [`crate::knowledge::rank`].

use crate::domain::number::count;
use crate::knowledge::rank::Weighed;
use crate::knowledge::words::Term;
use chassis::db::{AssertSqlSafe, Db, DbError, Engine, q};
use contract::assistant::Passage;
use contract::ids::{DocumentId, KnowledgeBaseId, UserId};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

/// The query for passages of these knowledge bases that have a word. A word is letters and digits only, so there is nothing
/// in it that a query could take for its own.
fn query(engine: Engine, bases: &[KnowledgeBaseId], term: &Term) -> String {
    let stem = &term.stem;
    let scopes = bases.iter().map(|base| base.uuid().simple());
    match engine {
        Engine::Sqlite => {
            let scopes = scopes.map(|scope| format!("\"{scope}\"")).collect::<Vec<_>>().join(" OR ");
            let word = if term.open {
                format!("\"{stem}\" *")
            } else {
                format!("\"{stem}\" OR \"{stem}s\" OR \"{stem}es\"")
            };
            format!("scope : ({scopes}) AND words : ({word})")
        }
        Engine::Postgres => {
            let scopes = scopes.map(|scope| format!("'#{scope}'")).collect::<Vec<_>>().join(" | ");
            let word = if term.open {
                format!("'{stem}':*")
            } else {
                format!("('{stem}' | '{stem}s' | '{stem}es')")
            };
            format!("({scopes}) & {word}")
        }
    }
}

/// How many passages of these knowledge bases have each of the words, and how many passages there are.
///
/// # Errors
/// When the database fails.
pub async fn having(db: &Db, bases: &[KnowledgeBaseId], terms: &[Term]) -> Result<(Vec<i64>, i64), DbError> {
    const ON_SQLITE: &str = "SELECT CAST(w.key AS BIGINT), \
        (SELECT COUNT(*) FROM passage_search WHERE passage_search MATCH w.value) FROM json_each($1) w ORDER BY 1";
    const ON_POSTGRES: &str = "SELECT w.place, (SELECT COUNT(*) FROM passage p WHERE p.search @@ CAST(w.value AS TSQUERY)) \
        FROM jsonb_array_elements_text($1) WITH ORDINALITY w (value, place) ORDER BY 1";
    let queries: Vec<String> = terms.iter().map(|term| query(db.engine(), bases, term)).collect();
    let counts = match db.engine() {
        Engine::Sqlite => ON_SQLITE,
        Engine::Postgres => ON_POSTGRES,
    };
    let rows: Vec<(i64, i64)> = q!(db.read, fetch_all, counts, Json(&queries))?;
    let all = format!(
        "SELECT CAST(COALESCE(SUM(passages), 0) AS BIGINT) FROM knowledge_document WHERE base_id {}",
        super::in_list(db.engine())
    );
    let bases = super::list(bases.iter().map(|base| base.uuid()));
    let all: i64 = q!(db.read, scalar, AssertSqlSafe(all.as_str()), &bases)?;
    Ok((rows.into_iter().map(|(_, having)| having).collect(), all))
}

#[derive(Serialize)]
struct Asked {
    query: String,
    weight: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    base_id: Uuid,
    document_id: Uuid,
    title: String,
    position: i64,
    text: String,
}

/// Passages of a person's knowledge bases that have one of the words, those whose words tell most first, so many at most.
/// Their score is still to be given.
///
/// # Errors
/// When the database fails.
pub async fn found(
    db: &Db,
    owner: UserId,
    bases: &[KnowledgeBaseId],
    terms: &[Weighed],
    limit: u32,
) -> Result<Vec<Passage>, DbError> {
    const ON_SQLITE: &str = "SELECT p.base_id, p.document_id, d.title, p.position, p.text FROM \
        (SELECT s.rowid AS seq, SUM(CAST(w.value ->> 'weight' AS BIGINT)) AS tells \
         FROM json_each($1) w CROSS JOIN passage_search s ON s.passage_search MATCH (w.value ->> 'query') GROUP BY s.rowid) f \
        JOIN passage p ON p.seq = f.seq JOIN knowledge_document d ON d.id = p.document_id \
        JOIN knowledge_base b ON b.id = p.base_id \
        WHERE b.owner_id = $2 ORDER BY f.tells DESC, p.document_id, p.position LIMIT $3";
    const ON_POSTGRES: &str = "SELECT p.base_id, p.document_id, d.title, p.position, p.text FROM \
        (SELECT s.document_id, s.position, SUM(CAST(w.value ->> 'weight' AS BIGINT)) AS tells \
         FROM jsonb_array_elements($1) w JOIN passage s ON s.search @@ CAST(w.value ->> 'query' AS TSQUERY) \
         GROUP BY s.document_id, s.position) f \
        JOIN passage p ON p.document_id = f.document_id AND p.position = f.position \
        JOIN knowledge_document d ON d.id = p.document_id JOIN knowledge_base b ON b.id = p.base_id \
        WHERE b.owner_id = $2 ORDER BY f.tells DESC, p.document_id, p.position LIMIT $3";
    let select = match db.engine() {
        Engine::Sqlite => ON_SQLITE,
        Engine::Postgres => ON_POSTGRES,
    };
    let asked: Vec<Asked> = terms
        .iter()
        .map(|Weighed { term, weight }| Asked { query: query(db.engine(), bases, term), weight: *weight })
        .collect();
    let rows: Vec<Row> = q!(db.read, fetch_all, select, Json(&asked), owner.uuid(), i64::from(limit))?;
    let passage = |row: Row| Passage {
        base: KnowledgeBaseId(row.base_id),
        document: DocumentId(row.document_id),
        title: row.title,
        position: u32::try_from(count(row.position)).unwrap_or(u32::MAX),
        text: row.text,
        score: 0,
    };
    Ok(rows.into_iter().map(passage).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::words::of_question;
    use proptest::prelude::*;

    #[test]
    fn a_query_names_its_knowledge_bases_and_one_word() {
        let base = KnowledgeBaseId(Uuid::from_u128(1));
        let [long, short] = &*of_question("Refunds tax") else { panic!("two words") };
        let scope = "00000000000000000000000000000001";
        assert_eq!(
            query(Engine::Sqlite, &[base], long),
            format!("scope : (\"{scope}\") AND words : (\"refund\" *)")
        );
        assert_eq!(
            query(Engine::Postgres, &[base, base], long),
            format!("('#{scope}' | '#{scope}') & 'refund':*")
        );
        assert!(query(Engine::Postgres, &[base], short).ends_with("& ('tax' | 'taxs' | 'taxes')"));
        assert!(
            query(Engine::Sqlite, &[base], short).ends_with("words : (\"tax\" OR \"taxs\" OR \"taxes\")")
        );
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_gets_out_of_its_quotes(text in ".*") {
            let base = KnowledgeBaseId(Uuid::from_u128(1));
            for term in of_question(&text) {
                prop_assert_eq!(query(Engine::Sqlite, &[base], &term).matches('"').count() % 2, 0);
                prop_assert_eq!(query(Engine::Postgres, &[base], &term).matches('\'').count() % 2, 0);
            }
        }
    }
}
