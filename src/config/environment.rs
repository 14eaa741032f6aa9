//! The environment's layer: `ANAGRAFE__SECTION__KEY`, read as the kind its key has. Names count without regard to case.
//! The separator is two underscores, for `ANAGRAFE_SERVICE_HOST` and its like are Kubernetes', not ours.

use std::collections::BTreeMap;

use config::ValueKind;

use super::{
    layers::{Layer, Origin},
    problem::{Place, Problem, Wrong},
    schema::{self, KEYS, Key, Kind},
};
use crate::model::ShopName;

const PREFIX: &str = "anagrafe__";

/// What the variables said.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub layer: Layer,
    /// Shops the file does not name.
    pub shops: Vec<ShopName>,
    pub problems: Vec<Problem>,
}

/// Reads the variables; `shops` are those of the file, which a variable may mean without regard to case.
pub(super) fn read(environment: &BTreeMap<String, String>, shops: &[ShopName]) -> Read {
    let mut read = Read::default();
    for (name, text) in environment {
        let lower = name.to_ascii_lowercase();
        let Some(rest) = lower.strip_prefix(PREFIX) else { continue };
        let mut refuse = |key: &str, wrong: Wrong| {
            let place = Place::Variable(name.clone());
            read.problems.push(Problem { key: key.to_owned(), place, what: wrong.what, instead: wrong.instead });
        };
        let Some((key, shop)) = meant(rest) else {
            refuse("", unknown(rest));
            continue;
        };
        let shop = shop.map(|written| shop_meant(&written, shops));
        let path = match &shop {
            None => key.path.to_owned(),
            Some(Some(shop)) => key.of(shop.as_str()),
            Some(None) => {
                refuse("", Wrong::new("no name for a shop", "name the shop with 1 to 64 letters, digits or '_'"));
                continue;
            }
        };
        if let Some(shop) = shop.flatten()
            && !shops.contains(&shop)
            && !read.shops.contains(&shop)
        {
            read.shops.push(shop);
        }
        let earlier = read.layer.get(&path).map(Origin::of);
        match (earlier, typed(key.kind, text)) {
            (Some(other), _) => {
                let what = format!("given a second time, {other} being the first");
                refuse(&path, Wrong::new(what, "unset one of the two"));
            }
            (None, Ok(value)) => read.layer.set(path, &Origin::Variable(name.clone()), value),
            (None, Err(wrong)) => refuse(&path, wrong),
        }
    }
    read
}

/// The key that a name means, and the shop's part of it as written.
fn meant(rest: &str) -> Option<(&'static Key, Option<String>)> {
    if let Some(of_shop) = rest.strip_prefix("shops__") {
        // A shop's name may hold the separator; a key's does not.
        let (shop, last) = of_shop.rsplit_once("__")?;
        let key = KEYS.iter().find(|key| key.path.strip_prefix("shops.*.") == Some(last))?;
        return Some((key, Some(shop.to_owned())));
    }
    KEYS.iter().find(|key| !key.of_a_shop() && key.path.replace('.', "__") == rest).map(|key| (key, None))
}

/// The file's shop of that name: without regard to case, then also taking `_` for `-`, which no shell allows in a
/// variable's name; else a new one.
fn shop_meant(written: &str, shops: &[ShopName]) -> Option<ShopName> {
    let same = |shop: &&ShopName| shop.as_str().eq_ignore_ascii_case(written);
    let alike = |shop: &&ShopName| shop.as_str().replace('-', "_").eq_ignore_ascii_case(written);
    let known = shops.iter().find(same).or_else(|| shops.iter().find(alike));
    known.cloned().or_else(|| ShopName::try_from(written.to_owned()).ok())
}

fn unknown(rest: &str) -> Wrong {
    let mut names: Vec<String> = KEYS.iter().map(|key| key.path.replace('.', "__")).collect();
    if let Some((shop, _)) = rest.strip_prefix("shops__").and_then(|of_shop| of_shop.rsplit_once("__")) {
        names = KEYS.iter().filter(|key| key.of_a_shop()).map(|key| key.of(shop).replace('.', "__")).collect();
    }
    let instead = match schema::nearest(rest, names) {
        Some(name) => format!("did you mean {}{}?", PREFIX.to_uppercase(), name.to_uppercase()),
        None => "unset it, or name a key as ANAGRAFE__SECTION__KEY".to_owned(),
    };
    Wrong::new("no key has this variable", instead)
}

/// The text as the kind; a list's items are separated by commas.
fn typed(kind: Kind, text: &str) -> Result<ValueKind, Wrong> {
    match kind {
        Kind::Text | Kind::Secret | Kind::Path => Ok(text.into()),
        Kind::Whole => {
            let number: Result<i64, _> = text.trim().parse();
            number.map(Into::into).map_err(|_| Wrong::new("not an integer", "give digits only"))
        }
        Kind::Flag => {
            let flag: Result<bool, _> = text.trim().parse();
            flag.map(Into::into).map_err(|_| Wrong::new("neither true nor false", "give true or false"))
        }
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(items.map(str::to_owned).collect::<Vec<String>>().into())
        }
    }
}
