//! How many files a process may have open: a connection is one at each of its ends.

use anyhow::{Context, Result, bail};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Besides the connections.
const OTHERS: u64 = 500;

/// Makes sure that this process, and those that it starts, may have so many connections open. Where they may not yet but the
/// machine allows it, the process begins anew with a higher limit.
pub(super) fn allow(connections: usize) -> Result<()> {
    let wanted = connections as u64 + OTHERS;
    let limits =
        std::fs::read_to_string("/proc/self/limits").context("cannot read the limits of this process")?;
    let (soft, hard) = read(&limits).context("/proc/self/limits says nothing of open files")?;
    if soft >= wanted {
        return Ok(());
    }
    if hard < wanted {
        bail!(
            "{connections} connections need {wanted} open files, and this process may have {hard} at most; raise the hard \
             limit (as root: `ulimit -Hn {wanted}`, or nofile in /etc/security/limits.conf), or ask for fewer with --clients"
        );
    }
    let this = std::env::current_exe()?;
    // There is no returning from it, unless it fails.
    let error = Command::new("/bin/sh")
        .args(["-c", &format!("ulimit -S -n {wanted} && exec \"$0\" \"$@\"")])
        .arg(this)
        .args(std::env::args_os().skip(1))
        .exec();
    Err(error).context("cannot begin anew with more open files")
}

/// The soft and the hard limit.
fn read(limits: &str) -> Option<(u64, u64)> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut values = line.split_whitespace().map(|value| match value {
        "unlimited" => Some(u64::MAX),
        value => value.parse().ok(),
    });
    Some((values.next()??, values.next()??))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn the_limits_are_read_as_the_kernel_writes_them() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max cpu time              unlimited            unlimited            seconds   \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(read(limits), Some((1_024, 524_288)));
        assert_eq!(read("Max open files  10  unlimited  files"), Some((10, u64::MAX)));
        assert_eq!(read("nothing of the kind"), None);
        assert!(read(&std::fs::read_to_string("/proc/self/limits").unwrap()).is_some());
    }
}
