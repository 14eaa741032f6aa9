//! The switchboard of faults: what goes wrong, on which call, after how many and how often. What a fault does to a reply
//! is in `desk`; what it asks of a system itself (a filter ignored, an update that overrides) travels as [`Quirks`].

use std::{sync::Mutex, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::lock;

/// A fault on a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The call it applies to, as the journal names it (`contacts.find`, `customers.update`), or `*`; of one shop among
    /// several with its name before it (`second:contacts.find`, `second:*`).
    pub call: String,
    /// How many such calls pass untouched first.
    #[serde(default)]
    pub after: u32,
    /// How many are hit; without it, all until cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault that hits every such call until cleared.
    #[must_use]
    pub fn always(call: &str, kind: FaultKind) -> Self {
        Self { call: call.into(), after: 0, times: None, kind }
    }

    /// A fault that hits the next `times` such calls.
    #[must_use]
    pub fn next(call: &str, times: u32, kind: FaultKind) -> Self {
        Self { call: call.into(), after: 0, times: Some(times), kind }
    }

    /// Lets so many calls pass first.
    #[must_use]
    pub fn after(mut self, calls: u32) -> Self {
        self.after = calls;
        self
    }
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum FaultKind {
    /// This status instead of an answer; nothing is applied.
    Status {
        /// The HTTP status.
        status: u16,
        /// `Retry-After`.
        #[serde(default)]
        retry_after: Option<RetryAfter>,
        /// The body; a few plain words without it.
        #[serde(default)]
        body: Option<String>,
    },
    /// Everything is applied, then this status comes instead of an answer.
    StatusAfter {
        /// The HTTP status.
        status: u16,
    },
    /// The connection is reset before anything is applied.
    ResetBefore,
    /// Everything is applied, then the connection is reset instead of an answer.
    ResetAfter,
    /// Nothing is applied and no answer comes.
    HangBefore,
    /// Everything is applied and no answer comes.
    HangAfter,
    /// No answer comes, and the request is applied so many milliseconds later, whoever has given up by then.
    LateApply {
        /// Milliseconds.
        ms: u64,
    },
    /// The answer comes so many milliseconds late.
    Latency {
        /// Milliseconds.
        ms: u64,
    },
    /// The body ends in the middle, against its own length.
    Truncated,
    /// The right status with a page of HTML.
    NotJson,
    /// The body with a byte that is no UTF-8 inside a text.
    InvalidUtf8,
    /// Arrays within arrays, so many.
    Nested {
        /// How deep.
        depth: usize,
    },
    /// A body of so many spaces and then the answer.
    Huge {
        /// Bytes.
        bytes: usize,
    },
    /// A gzip body that decompresses to so many bytes.
    Bomb {
        /// Bytes.
        bytes: usize,
    },
    /// A redirect to this address.
    Redirect {
        /// `Location`.
        location: String,
    },
    /// The page that this call answered before, again.
    RepeatedPage,
    /// The page, back to front.
    ReversedPage,
    /// An empty page where there are rows.
    EmptyPage,
    /// One row of the page, in its middle, is not as specified.
    MalformedRecord {
        /// What is wrong with it.
        how: Malformed,
    },
    /// Conditions, queries and search parameters are not honoured.
    IgnoredFilter,
    /// An update drops what was not sent.
    OverridingUpdate,
    /// An update answers success and stores texts cut to so many characters.
    TrimmingUpdate {
        /// Characters.
        to: usize,
    },
    /// An update answers success and stores nothing.
    SilentUpdate,
    /// A field that the specification does not name is refused.
    StrictSchema,
    /// What this call writes is seen by the search only so many milliseconds later; by id it is seen at once.
    SearchLag {
        /// Milliseconds.
        ms: u64,
    },
    /// Every so many-th id of the shop is not visible yet: a transaction that has not been committed.
    LateIds {
        /// Ids that this divides are hidden.
        every: i64,
    },
    /// The shop answers as another installation would: ids that are known, and other people under them.
    OtherPeople,
    /// A single record comes under another id than it has.
    AnotherId,
    /// A count, or `Results-Matching`, says this.
    WrongCount {
        /// What is said.
        to: u64,
    },
}

/// `Retry-After` in one of its forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfter {
    /// Seconds.
    Seconds(u64),
    /// An HTTP date, so many seconds from now.
    Date(u64),
}

/// How a record is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Malformed {
    /// The id is right, the texts are not texts.
    Types,
    /// The id is no id.
    Id,
    /// `null` instead of a record.
    Null,
}

impl FaultKind {
    /// Its name in the journal.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::StatusAfter { .. } => "status-after",
            Self::ResetBefore => "reset-before",
            Self::ResetAfter => "reset-after",
            Self::HangBefore => "hang-before",
            Self::HangAfter => "hang-after",
            Self::LateApply { .. } => "late-apply",
            Self::Latency { .. } => "latency",
            Self::Truncated => "truncated",
            Self::NotJson => "not-json",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::Nested { .. } => "nested",
            Self::Huge { .. } => "huge",
            Self::Bomb { .. } => "bomb",
            Self::Redirect { .. } => "redirect",
            Self::RepeatedPage => "repeated-page",
            Self::ReversedPage => "reversed-page",
            Self::EmptyPage => "empty-page",
            Self::MalformedRecord { .. } => "malformed-record",
            Self::IgnoredFilter => "ignored-filter",
            Self::OverridingUpdate => "overriding-update",
            Self::TrimmingUpdate { .. } => "trimming-update",
            Self::SilentUpdate => "silent-update",
            Self::StrictSchema => "strict-schema",
            Self::SearchLag { .. } => "search-lag",
            Self::LateIds { .. } => "late-ids",
            Self::OtherPeople => "other-people",
            Self::AnotherId => "another-id",
            Self::WrongCount { .. } => "wrong-count",
        }
    }
}

/// What the faults in force ask of the system that answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each a fault of its own")]
pub(super) struct Quirks {
    pub(super) ignored_filter: bool,
    pub(super) overriding_update: bool,
    pub(super) trimming_update: Option<usize>,
    pub(super) silent_update: bool,
    pub(super) strict_schema: bool,
    pub(super) search_lag: Duration,
    pub(super) late_ids: Option<i64>,
    pub(super) other_people: bool,
}

impl Quirks {
    pub(super) fn of(faults: &[FaultKind]) -> Self {
        let mut quirks = Self::default();
        for fault in faults {
            match fault {
                FaultKind::IgnoredFilter => quirks.ignored_filter = true,
                FaultKind::OverridingUpdate => quirks.overriding_update = true,
                FaultKind::TrimmingUpdate { to } => quirks.trimming_update = Some(*to),
                FaultKind::SilentUpdate => quirks.silent_update = true,
                FaultKind::StrictSchema => quirks.strict_schema = true,
                FaultKind::SearchLag { ms } => quirks.search_lag = Duration::from_millis(*ms),
                FaultKind::LateIds { every } => quirks.late_ids = Some((*every).max(1)),
                FaultKind::OtherPeople => quirks.other_people = true,
                // Not `_`: a new fault must say where it acts.
                FaultKind::Status { .. }
                | FaultKind::StatusAfter { .. }
                | FaultKind::ResetBefore
                | FaultKind::ResetAfter
                | FaultKind::HangBefore
                | FaultKind::HangAfter
                | FaultKind::LateApply { .. }
                | FaultKind::Latency { .. }
                | FaultKind::Truncated
                | FaultKind::NotJson
                | FaultKind::InvalidUtf8
                | FaultKind::Nested { .. }
                | FaultKind::Huge { .. }
                | FaultKind::Bomb { .. }
                | FaultKind::Redirect { .. }
                | FaultKind::RepeatedPage
                | FaultKind::ReversedPage
                | FaultKind::EmptyPage
                | FaultKind::MalformedRecord { .. }
                | FaultKind::AnotherId
                | FaultKind::WrongCount { .. } => {}
            }
        }
        quirks
    }
}

/// The board itself, shared by both systems.
#[derive(Default)]
pub struct Faults {
    set: Mutex<Vec<Fault>>,
    last_page: Mutex<Vec<(&'static str, Vec<Value>)>>,
}

impl Faults {
    /// Adds a fault.
    pub fn set(&self, fault: Fault) {
        lock(&self.set).push(fault);
    }

    /// Takes all of them away.
    pub fn clear(&self) {
        lock(&self.set).clear();
        lock(&self.last_page).clear();
    }

    /// Those that still wait to hit.
    #[must_use]
    pub fn pending(&self) -> Vec<Fault> {
        lock(&self.set).clone()
    }

    /// What hits this call (of this shop, where it is a shop's); counts it.
    pub(super) fn strike(&self, shop: Option<&str>, call: &str) -> Vec<FaultKind> {
        let meant = |fault: &Fault| {
            let (of, named) =
                fault.call.split_once(':').map_or((None, fault.call.as_str()), |(of, call)| (Some(of), call));
            (of.is_none() || of == shop) && (named == "*" || named == call)
        };
        let mut set = lock(&self.set);
        let mut struck = Vec::new();
        for fault in set.iter_mut().filter(|fault| meant(fault)) {
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            if let Some(times) = &mut fault.times {
                *times = times.saturating_sub(1);
            }
            struck.push(fault.kind.clone());
        }
        set.retain(|fault| fault.times != Some(0));
        struck
    }

    /// Remembers a page as it was answered, while a fault may want it again; gives the one before.
    pub(super) fn page_before(&self, call: &'static str, page: &[Value], repeating: bool) -> Option<Vec<Value>> {
        let wanted = repeating || lock(&self.set).iter().any(|fault| fault.kind == FaultKind::RepeatedPage);
        if !wanted {
            return None;
        }
        let mut last = lock(&self.last_page);
        let before = last.iter().position(|(name, _)| *name == call).map(|at| last.swap_remove(at).1);
        // A repeated page repeats for as long as the fault holds, so what is kept is what was answered last.
        let kept = if repeating { before.clone() } else { None };
        last.push((call, kept.unwrap_or_else(|| page.to_vec())));
        before
    }
}
