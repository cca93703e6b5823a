//! A Redis Cluster of one's own: three masters, each with a replica.

use super::free_ports;
use super::guardian::until;
use super::redis_node::Node;
use anyhow::{Context, Result, ensure};
use std::time::Duration;

const MASTERS: usize = 3;
const NODES: usize = 2 * MASTERS;
const SLOTS: usize = 16_384;
/// For each step of forming the cluster; it takes two or three seconds on a quiet machine.
const LIMIT: Duration = Duration::from_secs(60);
/// How long nodes that were told of each other may take to meet before they are told again.
const MEETING: Duration = Duration::from_secs(5);

/// A private Redis Cluster of six nodes on 127.0.0.1 that keeps nothing on disk. A master that is gone for a second is
/// replaced by its replica. Dropping it stops all nodes and removes their folders.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Node>,
}

impl RedisCluster {
    /// Starts the nodes on free ports and waits until they are one cluster, replicas included.
    ///
    /// # Errors
    /// Redis is not installed, a node did not start, or they did not find together.
    pub fn start() -> Result<Self> {
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for [port, bus] in free_ports::<{ 2 * NODES }>()?.as_chunks().0.iter().copied() {
            let settings = [
                "--appendonly",
                "no",
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &bus.to_string(),
                "--cluster-node-timeout",
                "1000",
                // However long it has been cut off, a replica may take over: the tests have no other.
                "--cluster-replica-validity-factor",
                "0",
                "--repl-diskless-sync-delay",
                "0",
            ]
            .map(str::to_owned);
            let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
            nodes.push(Node::new(port, &settings)?);
            buses.push(bus);
        }
        let mut cluster = Self { nodes };
        cluster.nodes.iter_mut().try_for_each(Node::launch)?;
        cluster.nodes.iter_mut().try_for_each(Node::wait)?;
        cluster.form(&buses)?;
        Ok(cluster)
    }

    /// The URL of the cluster, with all of its nodes.
    pub fn url(&self) -> String {
        let nodes: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// The TCP port of the first node on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.nodes.first().map_or(0, Node::port)
    }

    /// Kills the master of the slot of `key` with `kill -9`, and answers its port.
    ///
    /// # Errors
    /// No master has the slot, or it could not be killed.
    pub fn kill_master_of(&mut self, key: &str) -> Result<u16> {
        let master = self.master_of(key)?;
        let node = self.nodes.iter_mut().find(|node| node.port() == master);
        node.context("a master that is not ours")?.kill()?;
        Ok(master)
    }

    /// The port of the master of the slot of `key`, as a node knows it that is a master itself.
    ///
    /// # Errors
    /// No node answers, or no master has the slot.
    pub fn master_of(&self, key: &str) -> Result<u16> {
        for node in &self.nodes {
            // A node answers what it has, and says of anything else who has it.
            match node.ask(&["GET", key]).map_err(|error| error.to_string()) {
                Err(error) if error.contains("-MOVED") => {
                    let port = error.trim_end().rsplit(':').next().and_then(|port| port.parse().ok());
                    return port.with_context(|| format!("a redirection without a port: {error}"));
                }
                Ok(_) => return Ok(node.port()),
                Err(_) => {}
            }
        }
        anyhow::bail!("no node knows the master of {key}")
    }

    /// Starts the nodes again that were killed, and waits until all have found together.
    ///
    /// # Errors
    /// One did not start or was not taken in again.
    pub fn restart_killed(&mut self) -> Result<()> {
        let mut killed: Vec<_> = self.nodes.iter_mut().filter(|node| !node.answers()).collect();
        killed.iter_mut().try_for_each(|node| node.launch())?;
        killed.iter_mut().try_for_each(|node| node.wait())?;
        self.wait_until_whole()
    }

    fn form(&self, buses: &[u16]) -> Result<()> {
        let (masters, replicas) = self.nodes.split_at(MASTERS);
        for (index, node) in self.nodes.iter().enumerate() {
            node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()])?;
        }
        for (index, master) in masters.iter().enumerate() {
            let (first, last) = (index * SLOTS / MASTERS, (index + 1) * SLOTS / MASTERS - 1);
            master.ask(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()])?;
        }
        self.meet(buses)?;
        for (master, replica) in masters.iter().zip(replicas) {
            let id = master.ask(&["CLUSTER", "MYID"])?;
            replica.ask(&["CLUSTER", "REPLICATE", &id])?;
        }
        self.wait_until_whole()
    }

    /// Has all know each other. A node forgets another one that does not answer it within the node timeout, so it is told of
    /// it again.
    fn meet(&self, buses: &[u16]) -> Result<()> {
        let met =
            |node: &Node| node.field_of_cluster("cluster_known_nodes").is_ok_and(|n| n == NODES.to_string());
        for _ in 0..LIMIT.as_secs() / MEETING.as_secs() {
            for (other, bus) in self.nodes.iter().zip(buses).skip(1) {
                let (port, bus) = (other.port().to_string(), bus.to_string());
                self.nodes[0].ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])?;
            }
            if until(MEETING, || self.nodes.iter().all(met)) {
                return Ok(());
            }
        }
        anyhow::bail!("the nodes of the cluster did not meet")
    }

    fn wait_until_whole(&self) -> Result<()> {
        let whole = |node: &Node| {
            let state = node.field_of_cluster("cluster_state").is_ok_and(|state| state == "ok");
            let role = node.field("replication", "role").unwrap_or_default();
            let linked = match role.as_str() {
                "slave" => node.field("replication", "master_link_status").is_ok_and(|status| status == "up"),
                _ => node.field("replication", "connected_slaves").is_ok_and(|count| count == "1"),
            };
            state && linked
        };
        ensure!(until(LIMIT, || self.nodes.iter().all(whole)), "the cluster did not become whole");
        Ok(())
    }
}

impl Drop for RedisCluster {
    fn drop(&mut self) {
        // All at once; each is waited for when it is dropped.
        self.nodes.iter_mut().for_each(Node::ask_to_stop);
    }
}

impl Node {
    fn field_of_cluster(&self, name: &str) -> Result<String> {
        let info = self.ask(&["CLUSTER", "INFO"])?;
        let found = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.map(str::to_owned).with_context(|| format!("CLUSTER INFO has no {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::Redis;

    #[test]
    fn a_replica_takes_over_from_a_master_that_was_killed_and_the_old_one_comes_back() {
        if Redis::installed().is_none() {
            assert!(!crate::engines::is_ci(), "CI=true but there is no redis-server");
            return;
        }
        let mut cluster = RedisCluster::start().unwrap();
        let killed = cluster.kill_master_of("a").unwrap();
        assert!(until(LIMIT, || cluster.master_of("a").is_ok_and(|master| master != killed)));
        cluster.restart_killed().unwrap();
        assert_ne!(cluster.master_of("a").unwrap(), killed);
    }
}
