//! Pictures of people.

use crate::profiles::MINE;
use crate::support::{Person, count, register, setup, start, start_with};
use contract::ErrorCode;
use contract::auth::Profile;
use http::Method;
use image::{DynamicImage, GenericImageView as _, ImageFormat, Rgb, RgbImage};
use serde_json::json;
use std::io::Cursor;
use testkit::{Answer, Engine, on_both_engines};

const PICTURE: &str = "/api/v1/profiles/me/avatar";

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    coloured(width, height, [255, 0, 0])
}

fn coloured(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = DynamicImage::ImageRgb8(RgbImage::from_pixel(width, height, Rgb(colour)));
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

impl Person {
    async fn sends(&self, kind: &'static str, picture: Vec<u8>) -> Answer {
        self.client.request(Method::PUT, PICTURE).body(kind, picture).send().await
    }
}

async fn a_picture_is_made_anew_and_shown_as_its_profile_is(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    // What it is called does not matter, what it is does.
    let mine: Profile = ada.sends("image/webp", png(600, 300)).await.expect(200).data();
    let path = mine.avatar.unwrap();
    assert_eq!(path, format!("{}/avatar", ada.page()));
    // Nobody else sees it, or that there is one.
    service.client().get(&path).await.expect(404).refused(ErrorCode::NotFound);
    let own = ada.client.get(&path).await.expect(200);
    assert!(own.header("cache-control").unwrap().starts_with("private"));

    ada.client.patch(MINE, json!({"isPublic": true})).await.expect(200);
    let shown = service.client().get(&path).await.expect(200);
    assert_eq!(shown.header("content-type"), Some("image/jpeg"));
    assert_eq!(shown.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(shown.header("cache-control"), Some("public, max-age=60"));
    assert_eq!(image::guess_format(&shown.body).unwrap(), ImageFormat::Jpeg);
    assert_eq!(image::load_from_memory(&shown.body).unwrap().dimensions(), (256, 256));
    let tag = shown.header("etag").unwrap().to_owned();
    let ask = service.client();
    ask.request(Method::GET, &path).header("if-none-match", &tag).send().await.expect(304);

    // Another one takes its place.
    ada.sends("image/png", coloured(100, 100, [0, 0, 255])).await.expect(200);
    let other = service.client().get(&path).await.expect(200);
    assert!(other.header("etag") != Some(&tag) && other.body != shown.body);
    assert_eq!(count(service.db("auth"), "SELECT COUNT(*) FROM avatars").await, 1);
    ada.client.delete(PICTURE).await.expect(204);
    ada.client.delete(PICTURE).await.expect(204);
    service.client().get(&path).await.expect(404);
    assert_eq!(ada.client.get(MINE).await.expect(200).data::<Profile>().avatar, None);
    assert_eq!(count(service.db("auth"), "SELECT COUNT(*) FROM avatars").await, 0);
}

async fn what_is_no_picture_is_not_kept_whatever_it_is_called(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec();
    for (kind, bytes) in [
        ("image/svg+xml", svg.clone()),
        ("image/png", svg),
        ("image/png", b"hello".to_vec()),
        ("image/png", Vec::new()),
    ] {
        ada.sends(kind, bytes).await.expect(415).refused(ErrorCode::UnsupportedMediaType);
    }
    ada.sends("text/html", png(10, 10)).await.expect(415).refused(ErrorCode::UnsupportedMediaType);
    ada.sends("application/json", b"{}".to_vec()).await.expect(415).refused(ErrorCode::UnsupportedMediaType);
    let mut broken = png(64, 64);
    broken.truncate(50);
    ada.sends("image/png", broken).await.expect(400).refused(ErrorCode::Validation);
    // A head that says forty-one million pixels, in a few bytes: they are never made.
    let mut bomb = png(1, 1);
    bomb[16..20].copy_from_slice(&8_000_u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&5_125_u32.to_be_bytes());
    let head = crc(&bomb[12..29]).to_be_bytes();
    bomb[29..33].copy_from_slice(&head);
    ada.sends("image/png", bomb).await.expect(413).refused(ErrorCode::PayloadTooLarge);
    service.client().request(Method::PUT, PICTURE).body("image/png", png(1, 1)).send().await.expect(401);
    assert_eq!(count(service.db("auth"), "SELECT COUNT(*) FROM avatars").await, 0);
    assert_eq!(count(service.db("auth"), "SELECT COUNT(*) FROM profiles").await, 0);
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

async fn a_picture_may_be_larger_than_other_bodies_and_no_larger_than_its_own_bound(engine: Engine) {
    let setup = setup().set("BOWLINE_HTTP__BODY_LIMIT", "1024").set("BOWLINE_HTTP__IMAGE_LIMIT", "4096");
    let Some(service) = start_with(setup, engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    // What stands behind the end of a picture is not looked at, and not kept.
    let of = |length: usize| {
        let mut picture = png(8, 8);
        picture.resize(length, b'x');
        picture
    };
    ada.sends("image/png", of(4_096)).await.expect(200);
    ada.sends("image/png", of(4_097)).await.expect(413).refused(ErrorCode::PayloadTooLarge);
    let keyed = ada.client.request(Method::PUT, PICTURE).header("idempotency-key", "one");
    keyed.body("image/png", of(4_000)).send().await.expect(200);
    // Other bodies have the other bound, whatever is claimed.
    let bio = json!({"bio": "x".repeat(2_000)}).to_string();
    let ask = ada.client.request(Method::PATCH, MINE).body("application/json", bio.clone());
    ask.send().await.expect(413).refused(ErrorCode::PayloadTooLarge);
    let ask = ada.client.request(Method::PATCH, MINE).body("image/png", bio);
    ask.send().await.expect(415).refused(ErrorCode::UnsupportedMediaType);
}

async fn a_picture_of_an_older_version_of_the_profile_is_refused(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let first = ada.client.get(MINE).await.expect(200).header("etag").unwrap().to_owned();
    ada.client.patch(MINE, json!({"bio": "x"})).await.expect(200);
    let ask = ada.client.request(Method::PUT, PICTURE).header("if-match", &first);
    let refused = ask.body("image/png", png(8, 8)).send().await.expect(412);
    refused.refused(ErrorCode::PreconditionFailed);
    assert_eq!(count(service.db("auth"), "SELECT COUNT(*) FROM avatars").await, 0);
}

on_both_engines!(
    a_picture_is_made_anew_and_shown_as_its_profile_is,
    what_is_no_picture_is_not_kept_whatever_it_is_called,
    a_picture_may_be_larger_than_other_bodies_and_no_larger_than_its_own_bound,
    a_picture_of_an_older_version_of_the_profile_is_refused,
);
