//! People with knowledge bases.

use crate::bench::{Bench, Person};
use chassis::db::{Db, q};
use contract::assistant::{Document, KnowledgeBase, Passage};
use serde_json::json;

pub(crate) const KNOWLEDGE: &str = "/api/v1/assistant/knowledge";

impl Bench {
    pub(crate) fn db(&self) -> &Db {
        self.service.db("assistant")
    }

    /// How many rows there are.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let db = self.db();
        q!(db.read, scalar, sql).unwrap()
    }
}

impl Person {
    pub(crate) async fn base(&self, name: &str) -> KnowledgeBase {
        self.client.post(KNOWLEDGE, json!({"name": name})).await.expect(201).data()
    }

    pub(crate) async fn add(&self, base: &KnowledgeBase, title: &str, text: &str) -> Document {
        let body = json!({"title": title, "format": "MARKDOWN", "text": text});
        self.client.post(&documents(base), body).await.expect(201).data()
    }

    pub(crate) async fn search(&self, base: &KnowledgeBase, words: &str) -> Vec<Passage> {
        let words = words.replace(' ', "%20").replace('"', "%22").replace('?', "%3F").replace('#', "%23");
        self.client.get(&format!("{}/search?q={words}&limit=20", at(base))).await.expect(200).data()
    }

    /// The titles of what is found, in order.
    pub(crate) async fn titles(&self, base: &KnowledgeBase, words: &str) -> String {
        let found = self.search(base, words).await;
        found.into_iter().map(|passage| passage.title).collect::<Vec<_>>().join(" ")
    }
}

pub(crate) fn at(base: &KnowledgeBase) -> String {
    format!("{KNOWLEDGE}/{}", base.id)
}

pub(crate) fn documents(base: &KnowledgeBase) -> String {
    format!("{}/documents", at(base))
}
