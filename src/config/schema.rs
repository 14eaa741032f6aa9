//! Every key there is, its kind and its default, in the order in which they are shown. The one list from which unknown
//! keys, variables' names, the defaults' layer and `config show` follow.

/// What a key holds. The file must hold exactly this kind; a variable's text is read as it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A text that is never shown; its `KEY_file` twin is a [`Kind::Path`].
    Secret,
    /// A path; a relative one lies beside the configuration file.
    Path,
    Whole,
    Flag,
    List,
}

/// What holds where nothing is given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Preset {
    /// It must be given.
    Needed,
    /// It may be absent, or its default follows from elsewhere.
    Absent,
    Text(&'static str),
    Whole(i64),
    Flag(bool),
    List(&'static [&'static str]),
}

#[derive(Debug)]
pub(super) struct Key {
    /// `shops.*.url`: `*` stands for the shop's name.
    pub path: &'static str,
    pub kind: Kind,
    pub preset: Preset,
}

/// What stands at a path.
pub(super) enum Node {
    Leaf(&'static Key),
    Table,
    Unknown,
}

const fn given(path: &'static str, kind: Kind, preset: Preset) -> Key {
    Key { path, kind, preset }
}
const fn text(path: &'static str, preset: &'static str) -> Key {
    given(path, Kind::Text, Preset::Text(preset))
}
const fn whole(path: &'static str, preset: i64) -> Key {
    given(path, Kind::Whole, Preset::Whole(preset))
}
const fn flag(path: &'static str, preset: bool) -> Key {
    given(path, Kind::Flag, Preset::Flag(preset))
}
const fn list(path: &'static str, preset: &'static [&'static str]) -> Key {
    given(path, Kind::List, Preset::List(preset))
}
const fn needed(path: &'static str, kind: Kind) -> Key {
    given(path, kind, Preset::Needed)
}
const fn absent(path: &'static str, kind: Kind) -> Key {
    given(path, kind, Preset::Absent)
}

pub(super) static KEYS: &[Key] = &[
    given("store.url", Kind::Secret, Preset::Text("sqlite://anagrafe.db")),
    absent("store.url_file", Kind::Path),
    absent("store.state_dir", Kind::Path),
    text("store.lease", "90s"),
    text("store.patience", "30s"),
    absent("store.hash_key", Kind::Secret),
    absent("store.hash_key_file", Kind::Path),
    absent("store.previous_hash_key", Kind::Secret),
    absent("store.previous_hash_key_file", Kind::Path),
    needed("vivocha.account", Kind::Text),
    absent("vivocha.base_url", Kind::Text),
    text("vivocha.www", "https://www.vivocha.com"),
    text("vivocha.search", "auto"),
    whole("vivocha.search_batch", 40),
    list("vivocha.spellings", &["e164", "00", "bare", "national", "as-written"]),
    text("vivocha.rate", "20/s"),
    whole("vivocha.concurrency", 8),
    text("vivocha.timeout", "30s"),
    text("vivocha.late_apply", "120s"),
    text("vivocha.auth.mode", "client"),
    needed("vivocha.auth.id", Kind::Text),
    needed("vivocha.auth.secret", Kind::Secret),
    absent("vivocha.auth.secret_file", Kind::Path),
    absent("vivocha.auth.scope", Kind::List),
    text("vivocha.endpoints.search", "GET customers"),
    text("vivocha.endpoints.get", "GET customers/{cid}"),
    text("vivocha.endpoints.update", "PUT customers/{cid}"),
    text("vivocha.endpoints.merge", "POST customers/{cid1}/actions/merge"),
    text("vivocha.endpoints.merge_body", r#"{"id":"{cid2}"}"#),
    text("vivocha.endpoints.history", "GET customers/{cid}/history"),
    text("vivocha.fields.id", "id"),
    text("vivocha.fields.email", "email"),
    text("vivocha.fields.telnum", "telnum"),
    text("vivocha.fields.vvcu", "vvcu"),
    text("vivocha.fields.first_name", "firstname"),
    text("vivocha.fields.last_name", "lastname"),
    text("vivocha.fields.nickname", "nickname"),
    needed("shops.*.url", Kind::Text),
    needed("shops.*.secret_key", Kind::Secret),
    absent("shops.*.secret_key_file", Kind::Path),
    text("shops.*.key_header", "X-Secret-Key"),
    text("shops.*.api_prefix", "/api"),
    whole("shops.*.api_version", 10),
    text("shops.*.country", "IT"),
    whole("shops.*.page_size", 1000),
    text("shops.*.rate", "1000/5m"),
    text("shops.*.timeout", "30s"),
    flag("matching.auto_merge", true),
    text("matching.fixed_line_alone", "ask"),
    text("matching.names_differ", "ask"),
    whole("matching.max_share", 3),
    whole("matching.max_cluster", 5),
    list("matching.shared_emails", &["info@*", "noreply@*", "no-reply@*", "amministrazione@*", "ordini@*"]),
    list("matching.shared_phones", &[]),
    text("fields.name.to", "name"),
    text("fields.name.rule", "if-unedited"),
    flag("fields.name.clear", false),
    text("fields.email.to", "email"),
    text("fields.email.rule", "if-unedited"),
    flag("fields.email.clear", false),
    text("fields.phone.to", "telnum"),
    text("fields.phone.rule", "if-unedited"),
    flag("fields.phone.clear", false),
    text("fields.note.to", "note"),
    text("fields.note.rule", "never"),
    flag("fields.note.clear", false),
    text("fields.ids.to", "open2b"),
    text("fields.ids.rule", "never"),
    flag("fields.ids.clear", false),
    whole("safeguards.max_merges_per_run", 200),
    whole("safeguards.max_merges_per_day", 500),
    text("safeguards.max_merge_share", "1%"),
    whole("safeguards.max_approved_per_day", 5000),
    text("safeguards.max_vanished", "20%"),
    text("safeguards.max_updates", "50%"),
    text("safeguards.max_parked_same_cause", "5%"),
    text("schedule.sync", "*/5 * * * *"),
    text("schedule.resync", "30 2 * * *"),
    text("schedule.timezone", "UTC"),
    text("schedule.lookback", "24h"),
    whole("schedule.lookback_pages", 5),
    text("schedule.recheck_linked", "7d"),
    text("schedule.recheck_unmatched", "1d"),
    flag("schedule.catch_up", true),
    absent("http.ca_bundle", Kind::Path),
    text("web.listen", "127.0.0.1:9480"),
    absent("web.tokens_file", Kind::Path),
    text("observe.listen", "127.0.0.1:9481"),
    text("observe.log", "info"),
    text("observe.log_format", "auto"),
    absent("observe.otlp_endpoint", Kind::Text),
    text("hooks.listen", "127.0.0.1:9482"),
    absent("hooks.secret", Kind::Secret),
    absent("hooks.secret_file", Kind::Path),
    list(
        "hooks.customer",
        &["/cust_id", "/contact/cust_id", "/data/cust_id", "/data/contact/cust_id", "/customer/id", "/customer_id"],
    ),
    whole("hooks.max_body", 262_144),
    absent("alerts.url", Kind::Text),
    absent("alerts.secret", Kind::Secret),
    absent("alerts.secret_file", Kind::Path),
    absent("alerts.stale_sync", Kind::Text),
    absent("alerts.stale_resync", Kind::Text),
];

impl Key {
    /// Whether it is one of a shop's.
    pub fn of_a_shop(&self) -> bool {
        self.path.starts_with("shops.*.")
    }

    /// The key of a certain shop.
    pub fn of(&self, shop: &str) -> String {
        self.path.replacen('*', shop, 1)
    }

    fn starts_with(&self, path: &[String]) -> bool {
        let mut parts = self.path.split('.');
        path.iter().all(|segment| parts.next().is_some_and(|part| part == "*" || part == segment))
    }
}

/// What stands at a path.
pub(super) fn node(path: &[String]) -> Node {
    let mut below = KEYS.iter().filter(|key| key.starts_with(path));
    match below.next() {
        None => Node::Unknown,
        Some(key) if key.path.split('.').count() == path.len() => Node::Leaf(key),
        Some(_) => Node::Table,
    }
}

/// The names that are known directly below a table.
pub(super) fn below(table: &[String]) -> Vec<&'static str> {
    let mut names: Vec<&str> = KEYS
        .iter()
        .filter(|key| key.starts_with(table))
        .filter_map(|key| key.path.split('.').nth(table.len()))
        .collect();
    names.dedup();
    names
}

/// The variable that overrides a key.
pub(super) fn variable(path: &str) -> String {
    format!("ANAGRAFE__{}", path.replace('.', "__").to_uppercase())
}

/// The known name that was probably meant: at most two letters off, one where it is short.
pub(super) fn nearest<T: AsRef<str>>(written: &str, known: impl IntoIterator<Item = T>) -> Option<T> {
    let allowed = if written.chars().count() < 5 { 1 } else { 2 };
    let near = known.into_iter().map(|name| (distance(written, name.as_ref()), name));
    near.filter(|(off, _)| *off <= allowed).min_by_key(|(off, _)| *off).map(|(_, name)| name)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, pair) in b.iter().zip(row.windows(2)) {
            let [diagonal, above] = pair else { continue };
            left = (diagonal + usize::from(from != *to)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_recognised_and_another_word_is_not() {
        assert_eq!(distance("lease", "lease"), 0);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("leese", ["url", "lease"]), Some("lease"));
        assert_eq!(nearest("api_verison", ["api_version", "api_prefix"]), Some("api_version"));
        assert_eq!(nearest("colour", ["url", "lease"]), None);
    }

    #[test]
    fn every_file_twin_has_its_secret() {
        for key in KEYS.iter().filter(|key| key.kind == Kind::Path) {
            let Some(secret) = key.path.strip_suffix("_file") else { continue };
            let twin = KEYS.iter().find(|other| other.path == secret);
            assert!(twin.is_none_or(|twin| twin.kind == Kind::Secret), "{}", key.path);
            assert!(twin.is_some() || key.path == "web.tokens_file", "{}", key.path);
        }
        for key in KEYS.iter().filter(|key| key.kind == Kind::Secret) {
            let twin = format!("{}_file", key.path);
            assert!(KEYS.iter().any(|other| other.path == twin), "{}", key.path);
        }
    }
}
