//! Knowledge bases: whose they are, what they take, what is found in them, and what is left when something is removed.

use crate::bench::{Bench, Person, setup};
use crate::knowledge_bench::{KNOWLEDGE, at, documents};
use chassis::db::{Engine as Kind, q};
use contract::ErrorCode;
use contract::assistant::{Document, KnowledgeBase};
use http::Method;
use serde_json::json;
use testkit::{Answer, Engine, Setup, on_both_engines};

async fn a_document_is_added_found_and_removed(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let made =
        ada.client.post(KNOWLEDGE, json!({"name": " House rules ", "description": "For guests"})).await;
    let base: KnowledgeBase = made.expect(201).data();
    assert_eq!((base.name.as_str(), base.documents), ("House rules", 0));
    let rules = ada
        .add(&base, "Guests", "# Shoes\nShoes stay outside.\n\n# Dogs\nDogs are welcome in the garden.")
        .await;
    assert_eq!(rules.passages, 2);
    let found = ada.search(&base, "Where may the dog be?").await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].text.as_str(), found[0].position), ("# Dogs\nDogs are welcome in the garden.", 1));
    assert_eq!((found[0].base, found[0].document, found[0].title.as_str()), (base.id, rules.id, "Guests"));
    let listed: Vec<Document> = ada.client.get(&documents(&base)).await.expect(200).data();
    assert_eq!(listed, std::slice::from_ref(&rules));
    let place = format!("{}/{}", documents(&base), rules.id);
    assert_eq!(ada.client.get(&place).await.expect(200).data::<Document>(), rules);
    let now: KnowledgeBase = ada.client.get(&at(&base)).await.expect(200).data();
    assert_eq!((now.documents, now.bytes), (1, rules.bytes));
    ada.client.delete(&place).await.expect(204);
    ada.client.delete(&place).await.expect(404).refused(ErrorCode::NotFound);
    assert!(ada.search(&base, "dog").await.is_empty());
    ada.client.delete(&at(&base)).await.expect(204);
    ada.client.get(&at(&base)).await.expect(404);
    assert_eq!(ada.client.get(KNOWLEDGE).await.expect(200).json()["pagination"]["total"], 0);
}

async fn anothers_knowledge_base_is_not_there(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, eve) = (bench.person(), bench.person());
    let base = ada.base("Secrets").await;
    let document = ada.add(&base, "Safe", "The combination of the safe is 4711.").await;
    let own = eve.base("Own").await;
    eve.add(&own, "Nothing", "The safe is behind the painting.").await;
    let (place, into) = (at(&base), documents(&base));
    let one = format!("{into}/{}", document.id);
    let body = json!({"title": "x", "format": "TEXT", "text": "x"});
    for path in [&place, &into, &one, &format!("{place}/search?q=safe")] {
        eve.client.get(path).await.expect(404).refused(ErrorCode::NotFound);
        bench.service.client().get(path).await.expect(401);
    }
    eve.client.post(&into, &body).await.expect(404).refused(ErrorCode::NotFound);
    for path in [&place, &one, &format!("{}/{}", documents(&own), document.id)] {
        eve.client.delete(path).await.expect(404).refused(ErrorCode::NotFound);
    }
    assert_eq!(eve.titles(&own, "combination safe").await, "Nothing", "nothing of the other one");
    assert_eq!(eve.client.get(KNOWLEDGE).await.expect(200).data::<Vec<KnowledgeBase>>().len(), 1);
    assert_eq!(ada.titles(&base, "combination").await, "Safe", "and it is all still there");
}

async fn the_store_finds_nothing_of_another_even_when_it_is_asked_to(engine: Engine) {
    use assistant::knowledge::{rank::Weighed, words::of_question};
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, eve) = (bench.person(), bench.person());
    let base = ada.base("Secrets").await;
    ada.add(&base, "Safe", "The combination of the safe is 4711.").await;
    let terms: Vec<_> =
        of_question("combination").into_iter().map(|term| Weighed { term, weight: 1 }).collect();
    let found = async |who: &Person| {
        assistant::store::knowledge::passage::found(bench.db(), who.id, &[base.id], &terms, 9)
            .await
            .unwrap()
            .len()
    };
    assert_eq!((found(&ada).await, found(&eve).await), (1, 0));
}

async fn both_engines_find_the_same_in_the_same_order(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let base = ada.base("All").await;
    for (title, text) in [
        ("refunds", "Refunds are paid within a week. A refund needs the receipt."),
        ("returns", "Goods may be sent back within 30 days; the refund follows."),
        ("shipping", "We ship on the same day. Shipping is free from 50 euros."),
        ("creme", "Crème brûlée is served cold. It costs 3.50."),
        ("street", "Straßenlampe und Ärger"),
        ("russian", "Лампа светит тепло"),
        ("cjk", "東京タワー は高い"),
        ("signs", "C++ & C# -- men's_x1 'quoted' \"twice\" (a|b) !important <-> a:*b"),
        ("word", &"antidisestablishmentarianism".repeat(30)),
        ("tax", "A tax is added."),
    ] {
        ada.add(&base, title, text).await;
    }
    for (words, titles) in [
        ("refund", "refunds returns"),
        ("How long does a refund take?", "refunds returns"),
        ("refunds receipt week", "refunds returns"),
        ("CREME brulee", "creme"),
        ("strassenl", "street"),
        ("arger", "street"),
        ("ламп", "russian"),
        ("東京", ""),
        ("東京タワー", "cjk"),
        ("taxes", "tax"),
        ("tax", "tax"),
        ("taxi", ""),
        ("sent back", "returns"),
        ("mens x1", "signs"),
        ("antidisestablishmentarianismanti", "word"),
        ("a AND b OR c* NOT", "signs"),
        ("\"ship NEAR(x", "shipping"),
        ("scope : rowid", ""),
        ("zebra", ""),
    ] {
        assert_eq!(ada.titles(&base, words).await, titles, "{words}");
    }
    let refused = ada.client.get(&format!("{}/search?q=%22%27--", at(&base))).await.expect(400);
    assert_eq!(refused.refused(ErrorCode::Validation).error.details[0].field, "q");
}

async fn what_is_removed_is_gone_from_the_index_too(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let (base, kept) = (ada.base("Gone").await, ada.base("Kept").await);
    let first = ada.add(&base, "One", "The codeword is xylophone.").await;
    ada.add(&base, "Two", "Another xylophone.").await;
    ada.add(&kept, "Three", "A third xylophone stays.").await;
    ada.client.delete(&format!("{}/{}", documents(&base), first.id)).await.expect(204);
    assert_eq!(ada.titles(&base, "xylophone").await, "Two");
    ada.client.delete(&at(&base)).await.expect(204);
    assert_eq!(ada.titles(&kept, "xylophone").await, "Three");
    let db = bench.db();
    assert_eq!(bench.count("SELECT COUNT(*) FROM passage").await, 1);
    assert_eq!(bench.count("SELECT COUNT(*) FROM knowledge_document").await, 1);
    if db.engine() == Kind::Sqlite {
        let indexed = "SELECT COUNT(*) FROM passage_search WHERE passage_search MATCH 'xylophone'";
        assert_eq!(bench.count(indexed).await, 1);
        // Fails when the index has anything that the table has not.
        let check = "INSERT INTO passage_search (passage_search, rank) VALUES ('integrity-check', 1)";
        q!(db.write, execute, check).unwrap();
    }
}

async fn a_document_is_sent_as_text_too(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let base = ada.base("Files").await;
    let path = documents(&base);
    let send = async |query: &str, media_type: &'static str, body: Vec<u8>| -> Answer {
        ada.client.request(Method::POST, &format!("{path}{query}")).body(media_type, body).send().await
    };
    let text = "\u{feff}# One\r\nFirst.\r\n# Two\r\nSecond.";
    let sent = send("?title=Notes", "text/markdown; charset=utf-8", text.into()).await.expect(201);
    let made: Document = sent.data();
    assert_eq!((made.passages, made.title.as_str()), (2, "Notes"));
    assert_eq!(ada.search(&base, "second").await[0].text, "# Two\nSecond.");
    assert_eq!(
        send("?title=Plain", "text/plain", text.into()).await.expect(201).data::<Document>().passages,
        1
    );
    for (query, media_type, body, field) in [
        ("", "text/plain", b"x".to_vec(), "title"),
        ("?title=%0A", "text/plain", b"x".to_vec(), "title"),
        ("?title=x", "text/plain", b" \n".to_vec(), "text"),
        ("?title=x", "text/plain", b"a\0b".to_vec(), "text"),
        ("?title=x", "text/plain", b"\xff\xfe".to_vec(), "text"),
        ("?title=x&more=1", "text/plain", b"x".to_vec(), "more"),
        ("?title=x", "application/json", br#"{"title":"x","format":"TEXT","text":"x"}"#.to_vec(), "title"),
        ("", "application/json", br#"{"title":"x","format":"HTML","text":"x"}"#.to_vec(), "format"),
        ("", "application/json", br#"{"title":"x","format":"TEXT","text":"a\u0000b"}"#.to_vec(), "text"),
    ] {
        let refused = send(query, media_type, body).await.expect(400).refused(ErrorCode::Validation);
        assert_eq!(refused.error.details[0].field, field, "{query} {media_type}");
    }
    for media_type in ["text/html", "application/pdf", "text/plain; charset=latin1"] {
        let refused = send("?title=x", media_type, b"x".to_vec()).await.expect(415);
        refused.refused(ErrorCode::UnsupportedMediaType);
    }
}

fn bounded() -> Setup {
    setup()
        .set("BOWLINE_ASSISTANT__MAX_KNOWLEDGE_BASES", "2")
        .set("BOWLINE_ASSISTANT__MAX_DOCUMENTS", "3")
        .set("BOWLINE_ASSISTANT__MAX_DOCUMENT_BYTES", "1024")
        .set("BOWLINE_ASSISTANT__MAX_KNOWLEDGE_BYTES", "3000")
}

async fn nobody_has_more_than_they_may_however_many_ask_at_once(engine: Engine) {
    let Some(bench) = Bench::start_with(bounded(), engine).await else { return };
    let ada = bench.person();
    let statuses = async |asked: Vec<(String, serde_json::Value)>| -> Vec<u16> {
        let asking = asked.iter().map(|(path, body)| ada.client.post(path, body));
        let mut all: Vec<u16> = futures_util::future::join_all(asking)
            .await
            .iter()
            .map(|answer| answer.status.as_u16())
            .collect();
        all.sort_unstable();
        all
    };
    let bases = (0..5).map(|n| (KNOWLEDGE.to_owned(), json!({"name": format!("Base {n}")}))).collect();
    assert_eq!(statuses(bases).await, [201, 201, 409, 409, 409]);
    let bases: Vec<KnowledgeBase> = ada.client.get(KNOWLEDGE).await.expect(200).data();
    let document = |bytes: usize| json!({"title": "x", "format": "TEXT", "text": "x".repeat(bytes)});
    let (one, two) = (documents(&bases[0]), documents(&bases[1]));
    let small = (0..6).map(|_| (one.clone(), document(10))).collect();
    assert_eq!(statuses(small).await, [201, 201, 201, 409, 409, 409], "documents in a knowledge base");
    let refused = ada.client.post(&one, document(10)).await.expect(409);
    refused.refused(ErrorCode::LimitReached);
    let large = (0..4).map(|_| (two.clone(), document(1_000))).collect();
    assert_eq!(statuses(large).await, [201, 201, 409, 409], "bytes in all");
    ada.client.post(&two, document(1_025)).await.expect(413).refused(ErrorCode::PayloadTooLarge);
    let other = bench.person();
    let base = other.base("Mine").await;
    other.client.post(&documents(&base), document(1_000)).await.expect(201);
    // What is removed makes room.
    ada.client.delete(&at(&bases[1])).await.expect(204);
    let again = ada.base("Again").await;
    ada.client.post(&documents(&again), document(1_000)).await.expect(201);
    let (_, wrong) = assistant::store::knowledge::base::miscounted(bench.db()).await.unwrap();
    assert_eq!(wrong, [], "what is counted is what there is");
}

async fn a_document_of_the_largest_size_is_taken(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let base = ada.base("Large").await;
    let line = "Every sentence of this text is here to make it long, and nothing else. ";
    let mut text = line.repeat(262_144 / line.len() - 1);
    text.push_str("The needle is zymurgy.");
    let made = ada.add(&base, "Large", &text).await;
    assert!(made.passages > 300, "{}", made.passages);
    let found = ada.search(&base, "Where is zymurgy?").await;
    assert!(found[0].text.ends_with("The needle is zymurgy."));
    assert_eq!(ada.search(&base, "sentence").await.len(), 20, "as many as were asked for");
}

async fn what_is_sent_again_with_its_key_is_there_once(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let twice = async |method: Method, path: &str, body: serde_json::Value, status: u16| -> Answer {
        let send = || {
            let key = format!("{method}-{path}");
            ada.client.request(method.clone(), path).header("idempotency-key", &key).json(&body).send()
        };
        let first = send().await.expect(status);
        let again = send().await.expect(status);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{method} {path}");
        assert_eq!(first.body, again.body);
        first
    };
    let base: KnowledgeBase = twice(Method::POST, KNOWLEDGE, json!({"name": "One"}), 201).await.data();
    let body = json!({"title": "x", "format": "TEXT", "text": "zymurgy"});
    let made: Document = twice(Method::POST, &documents(&base), body, 201).await.data();
    assert_eq!(ada.search(&base, "zymurgy").await.len(), 1);
    twice(Method::DELETE, &format!("{}/{}", documents(&base), made.id), json!(null), 204).await;
    twice(Method::DELETE, &at(&base), json!(null), 204).await;
    assert_eq!(bench.count("SELECT COUNT(*) FROM knowledge_base").await, 0);
}

on_both_engines!(
    a_document_is_added_found_and_removed,
    anothers_knowledge_base_is_not_there,
    the_store_finds_nothing_of_another_even_when_it_is_asked_to,
    both_engines_find_the_same_in_the_same_order,
    what_is_removed_is_gone_from_the_index_too,
    a_document_is_sent_as_text_too,
    nobody_has_more_than_they_may_however_many_ask_at_once,
    a_document_of_the_largest_size_is_taken,
    what_is_sent_again_with_its_key_is_there_once,
);
