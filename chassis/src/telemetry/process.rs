//! What the operating system and the runtime know about this process, read when the metrics page is asked for.
//!
//! The names are those of the Prometheus client libraries. Written as text and not through `metrics`, whose counters
//! hold whole numbers only: CPU time is a fraction of a second. Where there is no `/proc`, those lines are left out.

use crate::clock::{Clock, Ts};
use std::fmt::Display;
use std::fs;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::RuntimeMetrics;

/// The kernel reports times to user space in hundredths of a second, whatever it ticks in itself.
const TICKS_PER_SECOND: f64 = 100.0;

/// The commit that this binary was built from, when the build was told (`BOWLINE_COMMIT`).
pub const COMMIT: Option<&str> = option_env!("BOWLINE_COMMIT");

#[derive(Debug, Clone)]
pub(super) struct Process {
    version: Arc<str>,
    started: Ts,
    since: Instant,
}

impl Process {
    pub(super) fn new(version: &str, clock: Clock) -> Self {
        Self { version: version.into(), started: clock.now(), since: Instant::now() }
    }

    pub(super) fn write(&self, page: &mut String, runtime: &RuntimeMetrics) {
        let mut page = Page(page);
        let commit = COMMIT.unwrap_or("unknown");
        page.family("build_info", "gauge", "The running build; always 1.");
        page.sample("build_info", &[("version", &self.version), ("commit", commit)], 1);

        let started = self.started.micros() as f64 / 1e6;
        page.one(
            "process_start_time_seconds",
            "gauge",
            "Start of the process, seconds since 1970.",
            Some(started),
        );
        let uptime = self.since.elapsed().as_secs_f64();
        page.one("process_uptime_seconds", "gauge", "Time since the start of the process.", Some(uptime));
        page.one("process_cpu_seconds_total", "counter", "CPU time used, user and system.", cpu_seconds());
        let resident = status("VmRSS:").map(|kibibytes| kibibytes * 1024);
        page.one("process_resident_memory_bytes", "gauge", "Memory held in RAM.", resident);
        page.one("process_threads", "gauge", "Threads of the operating system.", status("Threads:"));
        page.one("process_open_fds", "gauge", "Open file descriptors.", open_fds());
        page.one("process_max_fds", "gauge", "How many file descriptors may be open.", max_fds());

        let workers = runtime.num_workers();
        page.one("tokio_workers", "gauge", "Worker threads of the main runtime.", Some(workers));
        page.one("tokio_alive_tasks", "gauge", "Tasks of the main runtime.", Some(runtime.num_alive_tasks()));
        let depth = runtime.global_queue_depth();
        page.one("tokio_global_queue_depth", "gauge", "Tasks that no worker has taken up yet.", Some(depth));
        let name = "tokio_worker_busy_seconds_total";
        page.family(name, "counter", "Time that a worker was busy; a rate near 1 means saturated.");
        for worker in 0..workers {
            let busy = runtime.worker_total_busy_duration(worker).as_secs_f64();
            page.sample(name, &[("worker", &worker.to_string())], busy);
        }
    }
}

struct Page<'a>(&'a mut String);

impl Page<'_> {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.0.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let escape = |value: &str| value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
        let labels: Vec<_> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
        self.0.push_str(&format!("{name}{{{}}} {value}\n", labels.join(",")));
    }

    fn one<V: Display>(&mut self, name: &str, kind: &str, help: &str, value: Option<V>) {
        if let Some(value) = value {
            self.family(name, kind, help);
            self.0.push_str(&format!("{name} {value}\n"));
        }
    }
}

/// User and system time, fields 14 and 15 of `/proc/self/stat`; field 2 is a name that may hold anything but `)` last.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut ticks = behind_name.split_whitespace().skip(11).map(str::parse::<f64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) / TICKS_PER_SECOND)
}

fn status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

fn open_fds() -> Option<usize> {
    // The listing itself holds one open.
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}

/// The soft limit; an unlimited one is left out.
fn max_fds() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    limit.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_what_this_process_uses() {
        assert!(status("VmRSS:").unwrap() > 100);
        assert!(status("Threads:").unwrap() >= 1);
        assert!(cpu_seconds().unwrap() >= 0.0);
        let before = open_fds().unwrap();
        let one_more = fs::File::open("/proc/self/stat").unwrap();
        // Other tests open files at the same time, so only this one is looked for.
        assert!(open_fds().unwrap() > 0 && before > 0);
        drop(one_more);
        assert!(max_fds().is_none_or(|limit| limit >= 16));
    }
}
