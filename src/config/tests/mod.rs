//! What is accepted, what is refused, and in which words.

mod accepted;
mod layering;
mod lines;
mod refused;
mod sample;

use std::collections::BTreeMap;

use super::{Problems, Settings, parse};

/// A whole configuration, without any default.
const BASE: &str = r#"[store]
state_dir = "/state"
[vivocha]
account = "acme"
[vivocha.auth]
id = "client"
secret = "s3cret"
[shops.main]
url = "https://shop.example.com"
secret_key = "k3y"
"#;

/// [`BASE`] with a line more under a heading; a key that stands there already is replaced.
fn base_with(heading: &str, line: &str) -> String {
    let mut out = String::new();
    let (mut here, mut done) = (false, false);
    let key = line.split('=').next().unwrap_or_default();
    for old in BASE.lines() {
        if old.starts_with('[') {
            here = old == heading;
        } else if here && !key.is_empty() && old.starts_with(key) {
            continue;
        }
        out.push_str(old);
        out.push('\n');
        if here && !done {
            out.push_str(line);
            out.push('\n');
            done = true;
        }
    }
    if !done {
        out.push_str(heading);
        out.push('\n');
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(text: &str) -> Result<Settings, Problems> {
    parse(text, &BTreeMap::new())
}

/// What is wrong, as a person sees it; or that nothing is.
fn said(result: Result<Settings, Problems>) -> String {
    result.map_or_else(|problems| problems.to_string(), |_| "accepted".to_owned())
}
