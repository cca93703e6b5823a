//! The scenes: what is asked for, on how many connections, and over what.

use crate::bench::credentials::Token;
use crate::bench::http;
use crate::bench::load::Ask;
use crate::bench::upstream::{LARGE, LARGE_BODY, POSTED, SMALL, SMALL_BODY, TAKES};

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Small,
    Large,
    Post,
    Tls,
}

/// One scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scene {
    /// What it is selected by.
    pub(super) name: &'static str,
    /// What its table is headed by.
    pub(super) about: &'static str,
    pub(super) connections: usize,
    kind: Kind,
}

impl Scene {
    pub(super) const ALL: [Self; 8] = [
        Self::new("get-32", "GET, 37 bytes, 32 connections", 32, Kind::Small),
        Self::new("get-512", "GET, 37 bytes, 512 connections", 512, Kind::Small),
        Self::new("get64k-32", "GET, 64 KiB, 32 connections", 32, Kind::Large),
        Self::new("get64k-512", "GET, 64 KiB, 512 connections", 512, Kind::Large),
        Self::new("post-32", "POST, 1 KiB, 32 connections", 32, Kind::Post),
        Self::new("post-512", "POST, 1 KiB, 512 connections", 512, Kind::Post),
        Self::new("tls-32", "GET over TLS, 37 bytes, 32 connections", 32, Kind::Tls),
        Self::new("tls-512", "GET over TLS, 37 bytes, 512 connections", 512, Kind::Tls),
    ];

    const fn new(name: &'static str, about: &'static str, connections: usize, kind: Kind) -> Self {
        Self { name, about, connections, kind }
    }

    pub(super) fn is_tls(&self) -> bool {
        self.kind == Kind::Tls
    }

    /// Requests a round, where so many are sent of the smallest: all scenes together are to end within a break.
    pub(super) fn requests(&self, smallest: usize) -> usize {
        let parts = match self.kind {
            Kind::Small => 4,
            Kind::Post | Kind::Tls => 3,
            Kind::Large => 1,
        };
        (smallest * parts / 4).max(self.connections)
    }

    /// The request. Every proxy gets the same, with the token, though only one looks at it.
    pub(super) fn ask(&self, token: &Token) -> Ask {
        let (request, body) = match self.kind {
            Kind::Small | Kind::Tls => (http::get(SMALL), SMALL_BODY.len()),
            Kind::Large => (http::get(LARGE), LARGE_BODY),
            Kind::Post => (http::post(TAKES, &"x".repeat(POSTED)), SMALL_BODY.len()),
        };
        Ask { request: with_token(&request, token), status: 200, body: Some(body) }
    }
}

/// The request with the token in it.
pub(in crate::bench) fn with_token(request: &str, token: &Token) -> Vec<u8> {
    let header = format!("\r\nauthorization: Bearer {}\r\n", token.bearer);
    request.replacen("\r\n", &header, 1).into_bytes()
}

/// The scene of a name, for the command line.
pub(super) fn named(name: &str) -> Result<Scene, String> {
    let names = || Scene::ALL.map(|scene| scene.name).join(", ");
    let scene = Scene::ALL.into_iter().find(|scene| scene.name == name);
    scene.ok_or_else(|| format!("there is no such scene; there are {}", names()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::wire::Message;

    #[test]
    fn each_scene_sends_one_whole_request_with_the_token() {
        let token = Token::new().unwrap();
        for scene in Scene::ALL {
            let ask = scene.ask(&token);
            let message = Message::first(&ask.request).unwrap().unwrap();
            assert_eq!(message.length, ask.request.len(), "{}", scene.name);
            let text = String::from_utf8(ask.request.clone()).unwrap();
            assert!(text.contains(&format!("\r\nauthorization: Bearer {}\r\n", token.bearer)));
            assert_eq!(named(scene.name), Ok(scene));
        }
        assert!(named("get").unwrap_err().contains("get-512"));
    }

    #[test]
    fn what_costs_more_is_asked_for_less_often() {
        let requests = Scene::ALL.map(|scene| scene.requests(80_000));
        assert_eq!(requests, [80_000, 80_000, 20_000, 20_000, 60_000, 60_000, 60_000, 60_000]);
        assert_eq!(Scene::ALL[1].requests(100), 512, "each connection is used");
    }
}
