//! Who we are among processes: host, boot, pid, start. Lets a dead holder of the lease on this host be told from a live one.

use std::fs;

use crate::store::Holder;

/// This process.
#[must_use]
pub fn this(purpose: &str) -> Holder {
    let pid = std::process::id();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Holder { host, boot: boot(), pid, started: started(pid).unwrap_or(0), purpose: purpose.into() }
}

/// Whether a holder certainly lives no more: it was on this host and boot, and no process of its number and start is there.
/// A zombie lives no more either: it can send nothing.
#[must_use]
pub fn is_dead(holder: &Holder) -> bool {
    let me = this("");
    if holder.host != me.host || holder.boot.is_empty() || holder.boot != me.boot {
        return false;
    }
    started(holder.pid) != Some(holder.started)
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// When a live process started, in ticks since boot: the 22nd field of its stat, counted after the name, which may hold anything.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace();
    let state = after_name.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    after_name.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may end so")]
    use super::*;

    #[test]
    fn this_process_is_not_dead_and_a_reused_number_is() {
        let me = this("test");
        assert!(!is_dead(&me));
        assert!(is_dead(&Holder { started: me.started + 1, ..me.clone() }));
        assert!(is_dead(&Holder { pid: u32::MAX - 1, ..me }));
    }

    #[test]
    fn a_process_elsewhere_or_before_the_boot_is_never_called_dead() {
        let gone = Holder { pid: u32::MAX - 1, ..this("test") };
        assert!(!is_dead(&Holder { host: "elsewhere".into(), ..gone.clone() }));
        assert!(!is_dead(&Holder { boot: "another".into(), ..gone }));
    }

    #[test]
    fn a_child_that_ended_is_dead() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let holder = Holder { pid: child.id(), started: started(child.id()).unwrap(), ..this("test") };
        assert!(!is_dead(&holder));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_dead(&holder));
    }
}
