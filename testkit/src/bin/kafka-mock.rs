//! `kafka-mock`: librdkafka's mock of a Kafka cluster in a process of its own, for tests whose services are processes.
//!
//! `kafka-mock BROKERS TOPIC...` makes the topics at once: nobody can make one through the mock's protocol, and one that is
//! only asked for appears after some seconds and with few partitions.
//!
//! Prints the cluster's `host:port,host:port` as its first line. A line `down` on its standard input cuts all brokers off,
//! `up` brings them back with what they held; each is answered with a line of its own. It ends when its input is closed,
//! so it does not outlive whoever started it. What it holds is in memory only.

use anyhow::{Context as _, Result, bail};
use rdkafka::mocking::MockCluster;
use std::io::{BufRead as _, Write as _};

/// How many partitions the topics have that are made at the start.
const PARTITIONS: i32 = 12;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let brokers: i32 = arguments.next().context("how many brokers?")?.parse().context("how many brokers?")?;
    let cluster = MockCluster::new(brokers)?;
    for topic in arguments {
        cluster.create_topic(&topic, PARTITIONS, brokers.min(3))?;
    }
    let mut output = std::io::stdout();
    writeln!(output, "{}", cluster.bootstrap_servers())?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        for broker in 1..=brokers {
            match line.as_str() {
                "down" => cluster.broker_down(broker)?,
                "up" => cluster.broker_up(broker)?,
                other => bail!("{other:?} is neither `down` nor `up`"),
            }
        }
        writeln!(output, "{line}")?;
    }
    Ok(())
}
