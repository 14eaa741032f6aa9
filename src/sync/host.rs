//! Who we are among processes: host, boot, pid, start. Lets a dead holder of the lease on this host be told from a live one.
//!
//! Not seeing a process is no proof that it is dead. Containers of one machine may share its name, and each sees its own
//! processes only: so the numbers are compared within one namespace. And a system may hide the processes of other users
//! (`hidepid`, `ProtectProc=invisible`): so it is asked by a signal that is not sent.

use std::{fs, os::unix::fs::MetadataExt as _};

use rustix::process::{Pid, test_kill_process};

use super::clock::uptime;
use crate::{model::merge::Doubt, store::Holder};

/// This process.
#[must_use]
pub fn this(purpose: &str) -> Holder {
    let pid = std::process::id();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let started = match look(pid) {
        Seen::Alive { started } => started,
        Seen::Ended | Seen::Nothing => 0,
    };
    Holder { host, boot: boot(), pid, started, purpose: purpose.into() }
}

/// Whether a holder certainly lives no more: it was on this host and boot, and no process of its number and start is there.
/// A zombie lives no more either: it can send nothing.
#[must_use]
pub fn is_dead(holder: &Holder) -> bool {
    let me = this("");
    if holder.host != me.host || holder.boot.is_empty() || holder.boot != me.boot {
        return false;
    }
    match look(holder.pid) {
        // One that could not read its own start says nothing of it.
        Seen::Alive { started } => holder.started != 0 && started != holder.started,
        Seen::Ended => true,
        Seen::Nothing => !exists(holder.pid),
    }
}

/// Where the numbers of processes mean the same: the boot, and the namespaces in which they are counted and their starts timed. A
/// number of a namespace is given again only when that namespace, and whoever lived in it, is gone. Empty where it cannot be told.
fn boot() -> String {
    let namespace = |kind: &str| inode(&format!("/proc/self/ns/{kind}"));
    let (Ok(boot), Some(pids)) = (fs::read_to_string("/proc/sys/kernel/random/boot_id"), namespace("pid")) else {
        return String::new();
    };
    format!("{}/{pids}/{}", boot.trim(), namespace("time").unwrap_or(0))
}

/// Now, by a clock that nobody can set: how long this machine has been up, and which boot of it that is. Empty where that cannot be
/// told.
#[must_use]
pub fn moment() -> Doubt {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let boot =
        if boot.is_empty() { boot } else { format!("{}/{}", boot.trim(), inode("/proc/self/ns/time").unwrap_or(0)) };
    Doubt { boot, uptime: uptime() }
}

fn inode(path: &str) -> Option<u64> {
    fs::metadata(path).map(|file| file.ino()).ok()
}

/// What the system shows of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// It lives. `started`: in ticks since boot.
    Alive { started: u64 },
    /// It ended, and nobody asked how.
    Ended,
    /// Nothing: there is none, or it is hidden.
    Nothing,
}

fn look(pid: u32) -> Seen {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return Seen::Nothing };
    read(&stat).unwrap_or(Seen::Nothing)
}

/// The fields of a stat are counted after the name, which may hold anything. A leader that ended while others of its threads
/// still run is a zombie too: the process lives as long as they do.
fn read(stat: &str) -> Option<Seen> {
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace();
    let state = after_name.next()?;
    let threads: u64 = after_name.nth(16)?.parse().ok()?;
    let started = after_name.nth(1)?.parse().ok()?;
    Some(if matches!(state, "Z" | "X") && threads <= 1 { Seen::Ended } else { Seen::Alive { started } })
}

/// Whether there is a process of this number, hidden or not.
fn exists(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    match test_kill_process(pid) {
        Ok(()) => true,
        Err(error) => error != rustix::io::Errno::SRCH,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test may end so")]
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
        let Seen::Alive { started } = look(child.id()) else { panic!("it lives") };
        let holder = Holder { pid: child.id(), started, ..this("test") };
        assert!(!is_dead(&holder));
        child.kill().unwrap();
        // Nobody has asked how it ended yet: a zombie.
        while look(child.id()) != Seen::Ended {
            std::thread::yield_now();
        }
        assert!(is_dead(&holder));
        child.wait().unwrap();
        assert!(is_dead(&holder));
    }

    #[test]
    fn a_process_that_is_hidden_from_us_is_not_dead() {
        assert!(exists(1) && exists(std::process::id()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert!(!exists(child.id()));
        assert!(!exists(u32::MAX - 1));
    }

    #[test]
    fn one_that_could_not_read_its_own_start_is_told_by_its_number_alone() {
        let unsure = Holder { started: 0, ..this("test") };
        assert!(!is_dead(&unsure));
        assert!(is_dead(&Holder { pid: u32::MAX - 1, ..unsure }));
    }

    #[test]
    fn a_stat_is_read_after_a_name_that_may_hold_anything() {
        let stat = |state: &str, threads: u64| {
            format!("7 (a) Z (b)) {state} 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 {threads} 0 4242 0 0")
        };
        assert_eq!(read(&stat("S", 4)), Some(Seen::Alive { started: 4242 }));
        assert_eq!(read(&stat("Z", 1)), Some(Seen::Ended));
        assert_eq!(read(&stat("Z", 3)), Some(Seen::Alive { started: 4242 }), "its other threads still run");
        assert_eq!(read("7 (a) S 1"), None);
    }
}
