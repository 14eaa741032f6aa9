//! Configuration: what was said → what it means.
//!
//! ```text
//! file ──strict TOML, by line──▶ layer ┐
//! environment ──ANAGRAFE__…────▶ layer ├─ merged by `config` ──▶ read key by key ──▶ Settings, or every Problem at once
//! schema ──defaults────────────▶ layer ┘
//! ```
//!
//! Nothing here asks the process for its environment: it comes in as a map. Of files it reads the configuration itself
//! and those of secrets. Whether hosts answer and directories can be written is asked by `check`, not here.

mod cron;
mod endpoint;
mod environment;
mod fields;
mod file;
mod layers;
mod problem;
mod reader;
mod schema;
mod sections;
mod settings;
mod shops;
mod show;
mod store;
mod values;
mod vivocha;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

pub use cron::{Coming, last_tick, next_sync, next_tick, resync_period, schedule_preview};
pub use endpoint::{Endpoint, MergeBody};
pub use problem::{Place, Problem, Problems};
pub use settings::{
    Alerts, Auth, Endpoints, Hooks, Http, LogFormat, Observe, Rate, Schedule, SearchMode, Settings, Shop, Store,
    StoreUrl, Vivocha, Web,
};

use layers::Layer;
use reader::Reader;

use crate::model::ShopName;

/// Where a configuration is looked for where none is named, in this order.
pub const DEFAULT_FILES: [&str; 2] = ["config/anagrafe.toml", "/etc/anagrafe/anagrafe.toml"];

/// Reads the named file, else the first of [`DEFAULT_FILES`] that exists, else the environment alone.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(file: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Settings, Problems> {
    let Some(path) = source(file) else { return settled(None, None, environment) };
    match fs::read_to_string(path) {
        Ok(text) => settled(Some(&text), Some(path), environment),
        Err(error) => Err(unreadable(path.to_path_buf(), &error)),
    }
}

/// The file that [`load`] reads, if it reads any.
#[must_use]
pub fn source(file: Option<&Path>) -> Option<&Path> {
    found(file, &DEFAULT_FILES.map(Path::new))
}

/// The file that is meant. One that is there and cannot be read is meant all the same, and is refused for it.
fn found<'a>(named: Option<&'a Path>, defaults: &[&'a Path]) -> Option<&'a Path> {
    named.or_else(|| defaults.iter().find(|path| path.try_exists().unwrap_or(true)).copied())
}

/// Reads a text that is no file; relative paths in it stay relative.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn parse(text: &str, environment: &BTreeMap<String, String>) -> Result<Settings, Problems> {
    settled(Some(text), None, environment)
}

fn unreadable(path: PathBuf, error: &std::io::Error) -> Problems {
    Problems::new(vec![Problem {
        key: String::new(),
        what: format!("cannot read the configuration: {error}"),
        instead: "name a file this user may read with --config".to_owned(),
        place: Place::File { name: Some(path), line: None },
    }])
}

fn settled(
    text: Option<&str>,
    name: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Result<Settings, Problems> {
    let file = file::read(text.unwrap_or_default(), name);
    if !file.whole {
        return Err(Problems::new(file.problems));
    }
    let variables = environment::read(environment, &file.shops);
    let mut shops = file.shops;
    shops.extend(variables.shops);
    let mut problems = file.problems;
    problems.extend(variables.problems);

    let defaults = Layer::defaults(&shops);
    let config = layers::merged(defaults, file.layer, variables.layer).map_err(|error| {
        // Keys come from the schema and shops' names are checked, so no layer can be malformed.
        Problems::new(vec![Problem {
            key: String::new(),
            place: Place::Nowhere,
            what: format!("the layers cannot be merged: {error}"),
            instead: "report this as a fault of Anagrafe's".to_owned(),
        }])
    })?;
    let mut reader = Reader {
        config,
        name,
        has_file: text.is_some(),
        tables: file.tables,
        problems,
        warnings: Vec::new(),
        derived: BTreeMap::new(),
    };
    read(&mut reader, &shops, environment).ok_or_else(|| Problems::new(reader.problems))
}

/// Reads every section, then checks what concerns several.
fn read(reader: &mut Reader<'_>, shop_names: &[ShopName], environment: &BTreeMap<String, String>) -> Option<Settings> {
    let store = store::store(reader, environment);
    let naming = fields::naming(reader);
    let fields = fields::rules(reader, naming.as_ref());
    let vivocha = vivocha::vivocha(reader, naming);
    let shops = shops::shops(reader, shop_names);
    let matching = sections::matching(reader);
    let safeguards = sections::safeguards(reader);
    let schedule = sections::schedule(reader);
    let http = sections::http(reader);
    let web = sections::web(reader);
    let observe = sections::observe(reader);
    let hooks = sections::hooks(reader);
    let alerts = sections::alerts(reader);
    store::lease(reader);
    if let (Some(web), Some(observe), Some(hooks)) = (&web, &observe, &hooks) {
        sections::listeners(reader, web, observe, hooks);
    }
    if !reader.problems.is_empty() {
        return None;
    }
    Some(Settings {
        store: store?,
        vivocha: vivocha?,
        shops: shops?,
        matching: matching?,
        fields: fields?,
        safeguards: safeguards?,
        schedule: schedule?,
        http: http?,
        web: web?,
        observe: observe?,
        hooks: hooks?,
        alerts: alerts.ok()?,
        shown: show::shown(reader, shop_names),
        warnings: std::mem::take(&mut reader.warnings),
    })
}
