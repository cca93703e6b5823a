//! What becomes of the instances of an upstream: requests that fail eject them, time brings them back, health checks turn
//! them ill and well.

use super::condition::State;
use super::inner::Inner;
use super::instance::Instance;
use super::settings::Health;
use super::{connect, exchange};
use axum::body::Body;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::header::{CONNECTION, HOST, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How many instances are asked at the same time how they are.
const AT_ONCE: usize = 32;

impl Inner {
    /// Requests to an instance have failed, so many in a row.
    pub(super) fn failed(&self, instance: &Instance, failures: u32) {
        let settings = self.settings.load();
        if failures >= settings.ejection.failures && settings.ejection.at_most_percent > 0 {
            self.eject(instance, failures);
        }
    }

    fn eject(&self, instance: &Instance, failures: u32) {
        let ejection = self.settings.load().ejection.clone();
        // One after the other, so that together they do not eject more than may be.
        let _alone = self.lock();
        let table = self.table.load();
        let now = Instant::now();
        let ejected = table.list.iter().filter(|place| place.instance.condition.is_ejected()).count();
        let most = table.list.len() * ejection.at_most_percent as usize / 100;
        if ejected >= most {
            return;
        }
        if let Some(time) = instance.condition.eject(now, Duration::from_millis(ejection.for_ms)) {
            instance.tell(State::Ejected, &format!("{failures} failures in a row; for {time:?}"));
            self.meter.ejections.increment(1);
            self.meter.show(&table.list, now);
        }
    }

    /// Brings back whose time has come, and tells those who wait for an instance.
    pub(super) fn look_after_conditions(&self) {
        let now = Instant::now();
        let return_in = self.settings.load().return_in();
        let table = self.table.load();
        for place in &table.list {
            if place.instance.condition.come_back(now, return_in) {
                place.instance.tell(State::Warming, "its time is over; its share grows again");
                self.held.news();
            }
            place.instance.condition.is_warm_now(now);
        }
        self.meter.show(&table.list, now);
    }

    /// Asks every instance how it is, over a connection of its own each, and hears the answers.
    pub(super) async fn check_all(&self, health: &Health) {
        let table = self.table.load_full();
        let mut rest = table.list.iter();
        let ask = |instance: Arc<Instance>| async move {
            let well = self.check(&instance, health).await;
            (instance, well)
        };
        let mut asked: FuturesUnordered<_> =
            rest.by_ref().take(AT_ONCE).map(|place| ask(place.instance.clone())).collect();
        while let Some((instance, answer)) = asked.next().await {
            self.answered(&instance, health, answer);
            if let Some(place) = rest.next() {
                asked.push(ask(place.instance.clone()));
            }
        }
        self.meter.show(&table.list, Instant::now());
    }

    fn answered(&self, instance: &Instance, health: &Health, answer: Result<(), String>) {
        let (well, why) = match answer {
            Ok(()) => (true, "it answers its health checks".to_owned()),
            Err(why) => (false, why),
        };
        match instance.condition.checked(well, health.rise, health.fall) {
            Some(true) => {
                instance.condition.warm_up(Instant::now(), self.settings.load().slow_start());
                instance.tell(State::Well, &why);
                self.held.news();
            }
            Some(false) => instance.tell(State::Ill, &why),
            None => {}
        }
    }

    async fn check(&self, instance: &Arc<Instance>, health: &Health) -> Result<(), String> {
        let deadline = Instant::now() + health.timeout();
        let request = question(instance, health).map_err(|error| error.to_string())?;
        let way = self.way.load_full();
        let answer = async {
            let opened = connect::open(instance, &way, way.http2, deadline, 0).await?;
            exchange::over_new(opened, instance, request, deadline).await.map(|answer| answer.status())
        };
        match timeout_at(deadline, answer).await {
            Ok(Ok(status)) if health.status.contains(status) => Ok(()),
            Ok(Ok(status)) => Err(format!("it answers {}", status.as_u16())),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {:?}", health.timeout())),
        }
    }
}

fn question(instance: &Instance, health: &Health) -> anyhow::Result<Request<Body>> {
    let path: Uri = health.path.parse()?;
    let target = instance.target(&path)?.unwrap_or(path);
    let mut request = Request::get(target).body(Body::empty())?;
    let headers = request.headers_mut();
    headers.insert(HOST, instance.host.clone());
    headers.insert(USER_AGENT, HeaderValue::from_static("bowline-health"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(request)
}
