//! An alert: what is told to whoever is on call, of which subject, and in which state. And what that is decided on. No personal
//! data: states, times and numbers of ours.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use super::{
    hold::{Hold, HoldKind},
    ids::ShopName,
    merge::MergeId,
    proposal::ProposalId,
    run::{Outcome, Pass, RunId},
    time::Moment,
};

/// What stopped a kind of write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeldBy {
    /// A safeguard.
    Hold(HoldKind),
    /// A person's pause.
    Pause,
    /// The store went back in time, and a resync has not come to its end since.
    Doubt,
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Runs of this pass fail.
    Failed(Pass),
    /// Something is held.
    Held(HeldBy),
    /// What became of a merge is not known.
    Doubt,
    /// No run of this pass has come to its end for too long.
    Stale(Pass),
}

impl Subject {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Failed(_) => "failed",
            Self::Held(_) => "held",
            Self::Doubt => "doubt",
            Self::Stale(_) => "staleness",
        }
    }

    /// Which of that subject; empty where there is one only.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Failed(pass) | Self::Stale(pass) => pass.as_str(),
            Self::Held(HeldBy::Hold(kind)) => kind.as_str(),
            Self::Held(HeldBy::Pause) => "paused",
            Self::Held(HeldBy::Doubt) => "doubted",
            Self::Doubt => "",
        }
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let passes = [Pass::Survey, Pass::Sync, Pass::Resync];
        let held = HoldKind::ALL.into_iter().map(HeldBy::Hold).chain([HeldBy::Pause, HeldBy::Doubt]);
        passes
            .into_iter()
            .map(Self::Failed)
            .chain(held.map(Self::Held))
            .chain([Self::Doubt])
            .chain(passes.into_iter().map(Self::Stale))
    }

    /// The subject of two words.
    #[must_use]
    pub fn parse(word: &str, kind: &str) -> Option<Self> {
        Self::all().find(|subject| subject.word() == word && subject.kind() == kind)
    }
}

/// A subject, of a shop or of the account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct About {
    /// The shop; none where it is the account's.
    pub shop: Option<ShopName>,
    /// What it is.
    pub subject: Subject,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.subject.word())?;
        if !self.subject.kind().is_empty() {
            write!(f, " ({})", self.subject.kind())?;
        }
        self.shop.iter().try_for_each(|shop| write!(f, " of shop {shop}"))
    }
}

/// Whether it is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertState {
    /// It began, or there is something new about it.
    Raised,
    /// It ended.
    Recovered,
}

impl AlertState {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Recovered => "recovered",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Raised, Self::Recovered].into_iter().find(|state| state.as_str() == word)
    }
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Of what.
    pub about: About,
    /// How it is now.
    pub state: AlertState,
    /// Rises with each change of the subject.
    pub revision: i64,
    /// Of this change, over all tries to deliver it.
    pub id: String,
    /// What was told since it was raised: the same again is no news.
    pub causes: BTreeSet<String>,
    /// When it began.
    pub since: Moment,
    /// When this change was found.
    pub at: Moment,
    /// In a sentence.
    pub summary: String,
    /// What to do: commands to type.
    pub todo: Vec<String>,
}

/// An alert, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAlert {
    /// The alert.
    pub alert: Alert,
    /// How often it was tried to deliver it.
    pub tries: u32,
    /// When that is to be tried next.
    pub next_at: Moment,
    /// When it was delivered.
    pub delivered_at: Option<Moment>,
    /// Until when somebody tries just now.
    pub taken_until: Option<Moment>,
}

impl KeptAlert {
    /// Longer than any wait between two tries, and than any try: what is to wait for longer was written by a clock that was ahead.
    pub const LONGEST_WAIT: Duration = Duration::from_hours(1);

    /// From when somebody may try it.
    #[must_use]
    pub fn free_at(&self, now: Moment) -> Moment {
        let heeded = |at: &Moment| *at <= now.after(Self::LONGEST_WAIT);
        let waits = [Some(self.next_at), self.taken_until].into_iter().flatten();
        waits.filter(heeded).max().unwrap_or(now)
    }
}

/// How things stand: what alerts are decided on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Since when writing is paused.
    pub paused: Option<Moment>,
    /// Holds that nobody released.
    pub holds: Vec<Hold>,
    /// Shops of whom the store forgot something, and since when that is known.
    pub doubted: BTreeMap<ShopName, Moment>,
    /// Runs, by shop and pass.
    pub passes: BTreeMap<(ShopName, Pass), Passes>,
    /// Merges whose outcome is not known.
    pub doubts: Vec<OpenDoubt>,
}

/// The runs of a pass over a shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passes {
    /// The last one that was asked for the whole.
    pub last: LastRun,
    /// When the last one that came to its end began.
    pub last_done: Option<Moment>,
    /// When the first one that came to its end began.
    pub first_done: Option<Moment>,
    /// When the first one began.
    pub first_begun: Moment,
}

/// The last run of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// Its number.
    pub run: RunId,
    /// How it ended.
    pub outcome: Outcome,
    /// When it began.
    pub started_at: Moment,
    /// Why it failed.
    pub error: Option<String>,
}

/// A merge whose outcome is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDoubt {
    /// Which.
    pub merge: MergeId,
    /// What it carried out.
    pub proposal: ProposalId,
    /// When it was declared.
    pub since: Moment,
    /// Whether nothing that can be read tells.
    pub needs_a_person: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_reads_back_from_its_words() {
        let all: Vec<Subject> = Subject::all().collect();
        for subject in &all {
            assert_eq!(Subject::parse(subject.word(), subject.kind()), Some(*subject));
        }
        assert_eq!((all.len(), Subject::parse("held", ""), Subject::parse("doubt", "sync")), (14, None, None));
    }

    #[test]
    fn an_alert_waits_for_its_try_but_not_for_a_time_that_a_clock_ahead_wrote() {
        let minute = |minute: i64| Moment::from_millis(minute * 60_000);
        let free = |next_at, taken_until| {
            let alert = Alert {
                about: About { shop: None, subject: Subject::Doubt },
                state: AlertState::Raised,
                revision: 1,
                id: "1".into(),
                causes: BTreeSet::new(),
                since: minute(0),
                at: minute(0),
                summary: "it broke".into(),
                todo: Vec::new(),
            };
            KeptAlert { alert, tries: 1, next_at, delivered_at: None, taken_until }.free_at(minute(100))
        };
        assert_eq!(free(minute(90), None), minute(90), "its time has come");
        assert_eq!(free(minute(105), None), minute(105), "it waits");
        assert_eq!(free(minute(90), Some(minute(101))), minute(101), "somebody tries it");
        assert_eq!(free(minute(161), None), minute(100), "it was two hours later, and is not any more");
        assert_eq!(free(minute(161), Some(minute(222))), minute(100));
        assert_eq!(free(minute(161), Some(minute(101))), minute(101), "somebody tries it all the same");
    }
}
