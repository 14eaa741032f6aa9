//! The peak resident set of a run of the real binary, as the kernel keeps it.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Runs a command that has to end well; answers its peak in KiB, and how long it took.
pub async fn peak(mut command: Command) -> (u64, Duration) {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    loop {
        // The kernel keeps the high-water mark itself: a look now and then misses nothing but the last moments.
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = mark.and_then(|mark| mark.split_whitespace().next()?.parse().ok()).unwrap_or(peak).max(peak);
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "{command:?} ended with {ended}");
            return (peak, began.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
