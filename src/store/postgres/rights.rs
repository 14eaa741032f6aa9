//! What a role may do in the database, asked by reading alone, and what lets it do the rest. Not here: whether it is enough for what
//! is wanted; a check says that.

use secrecy::SecretString;
use sqlx::{Connection as _, query_as, query_scalar};

use super::{
    dialect::{BEGIN_READING, ENGINE},
    migrations::MIGRATIONS,
    open::Server,
    patient::{Patience, Twice},
    sql::{Lane, account::admitted, schema},
};
use crate::{
    model::{AccountName, Keyed},
    store::StoreError,
};

/// The schema in use, the role, whether it may make tables there, and whether it may read how far the migrations have come.
const ROLE: &str = "
    SELECT CAST(current_schema() AS TEXT), CAST(current_user AS TEXT),
           COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE),
           COALESCE(has_table_privilege(to_regclass('_sqlx_migrations'), 'SELECT') AND to_regclass('leases') IS NOT NULL, FALSE)";
/// What it may not do to the tables of these names, and to what numbers their rows: the name, and the right.
const LACKING: &str = "
    SELECT CAST(c.relname AS TEXT), r.name
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
           (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) r (name)
     WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND c.relname = ANY ($1)
       AND NOT has_table_privilege(c.oid, r.name)
    UNION ALL
    SELECT CAST(c.relname AS TEXT), r.name
      FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.deptype = 'i'
           JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace n ON n.oid = t.relnamespace,
           (VALUES ('SELECT'), ('UPDATE')) r (name)
     WHERE n.nspname = current_schema() AND c.relkind = 'S' AND t.relname = ANY ($1)
       AND NOT has_sequence_privilege(c.oid, r.name)
     ORDER BY 1, 2";
/// Those of them that are not its own: only an owner changes what a table is.
const OTHERS: &str = "
    SELECT CAST(c.relname AS TEXT) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND (c.relname = ANY ($1) OR c.relname = '_sqlx_migrations')
       AND NOT pg_has_role(c.relowner, 'USAGE')
     ORDER BY 1";

/// What a role may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// The server, in words: `PostgreSQL 15.18`.
    pub server: String,
    /// The role.
    pub role: String,
    /// The schema in use; without one nothing can be done.
    pub schema: Option<String>,
    /// The schema's version, where there is a store that can be asked.
    pub version: Option<i64>,
    /// Whether it may make tables.
    pub create: bool,
    /// What it may not do that every run does: table or sequence, and right.
    pub lacking: Vec<(String, String)>,
    /// Tables of the store that belong to another role.
    pub others: Vec<String>,
}

/// Asks what the role of an address may do.
///
/// # Errors
/// [`StoreError::Open`] where it cannot be asked; [`StoreError::Unreachable`].
pub async fn rights(url: &SecretString, patience: &Patience) -> Result<Rights, StoreError> {
    let server = Server::parse(url)?;
    let ask = async || {
        let readers = Lane::reading(server.options.clone());
        let failed = |error| server.unopened(error, None);
        let mut taken = readers.take().await.map_err(failed)?;
        let mut unit = taken.connection.begin_with(BEGIN_READING).await.map_err(failed)?;
        let role = query_as(ROLE).persistent(false).fetch_one(&mut *unit).await;
        let (schema, role, create, readable): (Option<String>, String, bool, bool) = role.map_err(failed)?;
        let engine = query_scalar(ENGINE).persistent(false).fetch_one(&mut *unit).await.map_err(failed)?;
        let lacking = query_as(LACKING).persistent(false).bind(tables()).fetch_all(&mut *unit).await;
        let others = query_scalar(OTHERS).persistent(false).bind(tables()).fetch_all(&mut *unit).await;
        let version = if readable { Some(schema::version(&mut unit).await.map_err(failed)?) } else { None };
        let (lacking, others) = (lacking.map_err(failed)?, others.map_err(failed)?);
        Ok(Rights { server: engine, role, schema, version, create, lacking, others })
    };
    patience.with(Twice::Same, &server, &|_| {}, ask).await
}

/// Whether a store of whatever version holds an account, made with this key.
///
/// # Errors
/// [`StoreError::WrongKey`] if it was made with another; [`StoreError::Open`], [`StoreError::Unreachable`].
pub async fn made_with(
    url: &SecretString,
    account: &AccountName,
    key_check: &Keyed,
    patience: &Patience,
) -> Result<bool, StoreError> {
    let server = Server::parse(url)?;
    let ask = async || {
        let readers = Lane::reading(server.options.clone());
        let mut taken = readers.take().await.map_err(|error| server.unopened(error, None))?;
        let begun = taken.connection.begin_with(BEGIN_READING).await;
        let mut unit = begun.map_err(|error| server.unopened(error, None))?;
        admitted(&mut unit, account, key_check).await
    };
    patience.with(Twice::Same, &server, &|_| {}, ask).await
}

/// The tables of the store, as the migrations name them.
fn tables() -> Vec<String> {
    let lines = MIGRATIONS.iter().flat_map(|migration| migration.sql.as_str().lines());
    let made = lines.filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split_whitespace().next());
    made.map(str::to_owned).collect()
}

/// What lets a role make tables in a schema.
#[must_use]
pub fn grant_making(schema: &str, role: &str) -> String {
    format!(
        "let its owner or a superuser run GRANT USAGE, CREATE ON SCHEMA \"{schema}\" TO \"{role}\"; or run `anagrafe migrate` once as a role that may"
    )
}

/// What lets a role work with the tables of a schema.
#[must_use]
pub fn grant_working(schema: &str, role: &str) -> String {
    format!(
        "let the tables' owner run GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \"{schema}\" TO \"{role}\"; GRANT SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA \"{schema}\" TO \"{role}\""
    )
}
