//! A daemon of a town, with ports of its own; what it logs is kept, and killed it is with the test.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Child, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use serde_json::Value;
use tokio::time::sleep;

use crate::support::{Town, postgres::free_port};

/// The account's secret token.
pub const TOKEN: &str = "the account's secret token";

/// A daemon that runs.
pub struct Daemon {
    child: Child,
    client: reqwest::Client,
    observe: u16,
    pub hooks: u16,
    log: PathBuf,
}

impl Daemon {
    /// Starts one, with these variables besides, and waits until its first sync has ended.
    pub async fn start(town: &Town, variables: &[(&str, String)]) -> Self {
        let daemon = Self::begin(town, variables);
        daemon.ready().await;
        daemon
            .until("the first sync has ended", async || {
                daemon.figure("anagrafe_runs_total{shop=\"main\",pass=\"sync\"").await > 0
            })
            .await;
        daemon
    }

    /// Starts one. Its schedule brings nothing while a test lasts.
    pub fn begin(town: &Town, variables: &[(&str, String)]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let (observe, hooks) = (free_port(), free_port());
        let log = town.dir.path().join(format!("daemon-{}.log", NUMBER.fetch_add(1, Ordering::Relaxed)));
        let mut command = town.command(&["daemon"]);
        command
            .env("ANAGRAFE__OBSERVE__LISTEN", format!("127.0.0.1:{observe}"))
            .env("ANAGRAFE__OBSERVE__LOG", "info,anagrafe=debug")
            .env("ANAGRAFE__HOOKS__LISTEN", format!("127.0.0.1:{hooks}"))
            .env("ANAGRAFE__HOOKS__SECRET", TOKEN)
            .env("ANAGRAFE__SCHEDULE__SYNC", "0 0 1 1 *")
            .env("ANAGRAFE__SCHEDULE__RESYNC", "0 0 2 1 *")
            .envs(variables.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap());
        Self { child: command.spawn().unwrap(), client: client(), observe, hooks, log }
    }

    /// Waits until it is ready.
    pub async fn ready(&self) {
        self.until("it is ready", async || self.get("/readyz").await.is_some_and(|(status, _)| status == 200)).await;
    }

    /// Waits for something, half a minute at most.
    pub async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        self.within(Duration::from_secs(30), what, is_so).await;
    }

    /// Waits for something so long at most; answers how long it took.
    pub async fn within(&self, most: Duration, what: &str, is_so: impl AsyncFn() -> bool) -> Duration {
        let begun = Instant::now();
        while !is_so().await {
            assert!(begun.elapsed() < most, "not within {most:?}: {what}\n{}", self.logged());
            sleep(Duration::from_millis(25)).await;
        }
        begun.elapsed()
    }

    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let url = format!("http://127.0.0.1:{}{path}", self.observe);
        let answer = self.client.get(url).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// The sum of the figures whose name and labels begin so.
    pub async fn figure(&self, beginning: &str) -> u64 {
        let text = self.get("/metrics").await.unwrap_or_default().1;
        let lines = text.lines().filter(|line| line.starts_with(beginning));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// Calls of the hook that ended so.
    pub async fn heard(&self, outcome: &str) -> u64 {
        self.figure(&format!("anagrafe_hooks_total{{outcome=\"{outcome}\"")).await
    }

    /// Syncs that ended.
    pub async fn syncs(&self) -> u64 {
        self.figure("anagrafe_runs_total{shop=\"main\",pass=\"sync\"").await
    }

    /// Resident memory, in KiB.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Processor time so far.
    pub fn worked(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    /// All it logged.
    pub fn logged(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Calls its hook.
    pub async fn call(&self, body: &str, headers: &[(&str, &str)]) -> u16 {
        let url = format!("http://127.0.0.1:{}/hooks/vivocha", self.hooks);
        let mut request = self.client.post(url).body(body.to_owned()).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.map_or(0, |answer| answer.status().as_u16())
    }

    /// Calls it as Vivocha does.
    pub async fn told(&self, body: &Value) -> u16 {
        let body = body.to_string();
        self.call(&body, &[("x-vvc-host", "world.vivocha.com"), ("x-vvc-acct", "acme"), ("x-vvc-hmac", &seal(&body))])
            .await
    }

    /// Asks it to read its configuration anew.
    pub fn reload(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    }

    /// Kills it at once.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and answers how it ended.
    pub async fn stop(mut self) -> i32 {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "it does not stop\n{}", self.logged());
            sleep(Duration::from_millis(25)).await;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "{}", self.logged());
        }
    }
}

/// The hex HMAC-SHA1 of a body.
pub fn seal(body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, TOKEN.as_bytes());
    hex::encode(hmac::sign(&key, body.as_bytes()))
}

/// A client of ours, which waits for nobody long.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(15)).build().unwrap()
}
