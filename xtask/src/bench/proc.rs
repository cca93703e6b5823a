//! CPU time and memory of a process and everything below it, from `/proc`.

use anyhow::{Context, Result};
use std::time::Duration;

/// Linux counts a process's time for user space in hundredths of a second, whatever the kernel's own clock.
const TICK: Duration = Duration::from_millis(10);

/// Process ids of `root` and all its descendants.
pub(super) fn tree(root: u32) -> Result<Vec<u32>> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?.first()?.parse().ok()?)))
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    Ok(found)
}

/// User and system time of these processes so far.
pub(super) fn cpu_time(pids: &[u32]) -> Result<Duration> {
    let ticks = |pid: &u32| {
        let fields = stat(*pid).with_context(|| format!("process {pid} is gone"))?;
        // utime and stime: fields 14 and 15 of the file, which this list begins at field 4.
        Ok(fields[10].parse::<u32>()? + fields[11].parse::<u32>()?)
    };
    let total: Result<u32> = pids.iter().map(ticks).sum();
    Ok(TICK * total?)
}

/// Resident memory of these processes in bytes. What they share counts for each.
pub(super) fn memory(pids: &[u32]) -> Result<u64> {
    pids.iter()
        .map(|pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
            let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).context("no VmRSS")?;
            let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
            Ok(kilobytes * 1024)
        })
        .sum()
}

/// The fields of a process's `stat` from the fourth, its parent, on. The second may contain anything, also spaces.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = text.rsplit_once(')')?.1;
    Some(fields.split_whitespace().skip(1).map(str::to_owned).collect())
}

/// Bytes as megabytes of a million bytes.
pub(super) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::time::Instant;

    #[test]
    fn a_child_belongs_to_its_parent() {
        let mut child = Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let tree = tree(std::process::id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(tree.contains(&child.id()) && !tree.contains(&1), "{tree:?}");
    }

    #[test]
    fn work_shows_as_cpu_time_and_memory() {
        let own = [std::process::id()];
        let before = cpu_time(&own).unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while cpu_time(&own).unwrap() < before + TICK * 3 {
            assert!(Instant::now() < end, "no CPU time was counted");
        }
        assert!(memory(&own).unwrap() > 100_000);
    }
}
