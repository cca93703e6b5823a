//! CPU time of this process, and of a server beside it with what it has started.

use std::time::Duration;

/// Linux counts a process's time for user space in hundredths of a second, whatever the kernel's own clock.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of this process so far.
pub(super) fn own() -> Duration {
    time_of(std::process::id())
}

/// The same of a process and its children.
pub(super) fn with_children(root: u32) -> Duration {
    let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = pids.filter(|pid| fields(*pid).and_then(|f| f.first()?.parse().ok()) == Some(root));
    children.map(time_of).sum::<Duration>() + time_of(root)
}

fn time_of(pid: u32) -> Duration {
    // utime and stime: fields 14 and 15 of the file, which this list begins at field 4.
    let ticks =
        |fields: &[String]| Some(fields.get(10)?.parse::<u32>().ok()? + fields.get(11)?.parse::<u32>().ok()?);
    TICK * fields(pid).and_then(|fields| ticks(&fields)).unwrap_or(0)
}

/// The fields of a process's `stat` from the fourth, its parent, on. The second may contain anything, also spaces.
fn fields(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().skip(1).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_as_cpu_time() {
        let before = own();
        let end = std::time::Instant::now() + Duration::from_secs(10);
        while own() < before + TICK * 3 {
            assert!(std::time::Instant::now() < end, "no CPU time was counted");
        }
        assert!(with_children(std::process::id()) >= before);
    }
}
