//! What a proxy adds where nobody hurries: so many requests a second, at moments that were set beforehand.
//!
//! The load is open: a request that is answered late does not put off those after it, unless all senders are busy, and then
//! what they wait counts as theirs. A request's time begins when it was due, or, where the machine woke its sender late
//! although it had nothing to do, when it was sent: the alarm clock's lateness is nobody's.

use crate::bench::http::Connection;
use crate::bench::load::{Ask, Outcome};
use crate::process::interrupted;
use anyhow::{Result, anyhow};
use std::time::{Duration, Instant};

/// Senders, each a blocking thread with a connection of its own. At a thousand a second one has 16 ms for each request.
const SENDERS: usize = 16;

/// Sends `rate` requests a second for so long.
pub(super) fn run(port: u16, ask: &Ask, rate: usize, span: Duration) -> Result<Outcome> {
    let begin = Instant::now() + Duration::from_millis(50);
    let requests = (rate as f64 * span.as_secs_f64()) as usize;
    let parts = std::thread::scope(|scope| {
        let sender = |first: usize| move || send(port, ask, begin, rate, (first..requests).step_by(SENDERS));
        let senders: Vec<_> = (0..SENDERS).map(|first| scope.spawn(sender(first))).collect();
        senders
            .into_iter()
            .map(|sender| sender.join().map_err(|_| anyhow!("a sender panicked"))?)
            .collect::<Result<Vec<_>>>()
    })?;
    let mut outcome = Outcome { requests, took: begin.elapsed(), ..Outcome::default() };
    for part in parts {
        outcome.errors += part.errors;
        outcome.first_error = outcome.first_error.or(part.first_error);
        outcome.latencies.extend(part.latencies);
    }
    outcome.latencies.sort_unstable();
    Ok(outcome)
}

fn send(
    port: u16,
    ask: &Ask,
    begin: Instant,
    rate: usize,
    numbers: impl Iterator<Item = usize>,
) -> Result<Outcome> {
    let mut connection = Connection::open(port)?;
    let mut outcome = Outcome::default();
    for number in numbers {
        if interrupted() {
            break;
        }
        let due = due(begin, rate, number);
        let free = Instant::now();
        std::thread::sleep(due.saturating_duration_since(free));
        // Who was busy when it was due has to answer for that; who slept has not.
        let since = if free > due { due } else { Instant::now() };
        match connection.ask(&ask.request) {
            Ok(answer)
                if answer.status == ask.status && ask.body.is_none_or(|body| body == answer.body.len()) =>
            {
                outcome.latencies.push(since.elapsed());
                if answer.closes {
                    connection = Connection::open(port)?;
                }
            }
            Ok(answer) => {
                outcome.wrong(format!("status {} with {} bytes", answer.status, answer.body.len()));
            }
            Err(error) => {
                outcome.wrong(format!("{error:#}"));
                connection = Connection::open(port)?;
            }
        }
    }
    Ok(outcome)
}

/// When a request is due, by its number.
fn due(begin: Instant, rate: usize, number: usize) -> Instant {
    begin + Duration::from_secs_f64(number as f64 / rate as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Answers every request after so long.
    fn server(late: Duration) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    while stream.read(&mut [0; 1_024]).is_ok_and(|read| read > 0) {
                        std::thread::sleep(late);
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
                    }
                });
            }
        });
        port
    }

    #[test]
    fn requests_are_due_at_equal_distances() {
        let begin = Instant::now();
        let after = |number| due(begin, 1_000, number) - begin;
        assert_eq!(
            (after(0), after(1), after(2_500)),
            (Duration::ZERO, Duration::from_millis(1), Duration::from_millis(2_500))
        );
    }

    #[test]
    fn the_rate_is_kept_and_every_request_counted() {
        let outcome = run(server(Duration::ZERO), &Ask::get("/"), 200, Duration::from_millis(500)).unwrap();
        assert_eq!((outcome.requests, outcome.latencies.len(), outcome.errors), (100, 100, 0));
        // The last is due 495 ms after the first.
        assert!(outcome.took >= Duration::from_millis(495), "{:?}", outcome.took);
    }

    #[test]
    fn what_waits_for_a_busy_sender_waits_on_the_clock() {
        // Sixteen senders with 100 ms a request carry 160 a second; of 320 a second the last waits about as long as the run.
        let port = server(Duration::from_millis(100));
        let outcome = run(port, &Ask::get("/"), 320, Duration::from_secs(1)).unwrap();
        assert_eq!(outcome.errors, 0);
        assert!(outcome.percentile(1.0) >= Duration::from_millis(800), "{:?}", outcome.percentile(1.0));
    }
}
