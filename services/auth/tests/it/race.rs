//! Requests that are sent at the same moment, each from a thread of its own: a test's runtime has one thread, on which a
//! database that answers quickly would let one request finish before the next begins.

use http::Method;
use serde_json::Value;
use std::pin::Pin;
use std::sync::{Arc, Barrier};
use testkit::{Answer, Client};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// A request that is not sent yet.
pub(crate) type Ready = Pin<Box<dyn Future<Output = Answer> + Send>>;

pub(crate) fn ready(client: &Client, method: Method, path: &str, body: Value) -> Ready {
    let (client, path) = (client.clone(), path.to_owned());
    Box::pin(async move { client.request(method, &path).json(body).send().await })
}

/// Sends them at once and waits for all answers, in their order.
pub(crate) async fn race(requests: Vec<Ready>) -> Vec<Answer> {
    let start = Arc::new(Barrier::new(requests.len()));
    let threads: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let (start, runtime) = (Arc::clone(&start), Handle::current());
            spawn_blocking(move || {
                start.wait();
                runtime.block_on(request)
            })
        })
        .collect();
    let mut answers = Vec::new();
    for thread in threads {
        answers.push(thread.await.unwrap());
    }
    answers
}
