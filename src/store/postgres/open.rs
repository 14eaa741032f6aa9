//! Opening the database: brought to the schema this binary knows, refused where it is a newer one's, another key's or not
//! ours. It is looked at first, by reading alone: a standby can be asked, and nothing is written before all is known.

use std::{str::FromStr as _, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions, query_as, query_scalar};
use url::Url;

use super::{
    Units,
    dialect::{BEGIN_READING, BEGIN_WRITING},
    failure::{failed, of_database},
    migrations::MIGRATIONS,
    patient::{Patience, Twice},
    rights::{grant_making, grant_working},
    sql::{
        Lane,
        account::{admit, admitted},
        lane::commit,
        schema,
    },
};
use crate::{
    model::{AccountName, Keyed},
    store::{StoreError, rekeying::KeyCheck},
};

/// What the schema in use holds: its name, whether a store stands there, and how many tables are nobody's extension.
const LOOK: &str = "
    SELECT CAST(current_schema() AS TEXT),
           to_regclass('_sqlx_migrations') IS NOT NULL AND to_regclass('leases') IS NOT NULL,
           (SELECT COUNT(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
               AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'))";
/// The cluster, its timeline (a standby that takes over begins a new one, and so does a recovery), the database, and in it the table:
/// one that was dropped and restored is another.
const ORIGIN: &str = "
    SELECT (SELECT system_identifier FROM pg_control_system()) || ':'
           || CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END || ':'
           || (SELECT CAST(oid AS TEXT) FROM pg_database WHERE datname = current_database()) || ':'
           || COALESCE((SELECT CAST(oid AS TEXT) FROM pg_class WHERE oid = to_regclass('leases')), '')";
/// The same where a provider does not let a role see which cluster it is.
const ORIGIN_UNNAMED: &str = "
    SELECT '?:' || CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END || ':'
           || (SELECT CAST(oid AS TEXT) FROM pg_database WHERE datname = current_database()) || ':'
           || COALESCE((SELECT CAST(oid AS TEXT) FROM pg_class WHERE oid = to_regclass('leases')), '')";
/// One process migrates or makes an account, and the others wait for it and find it done. A number of our own; it may take
/// its time. (What sqlx prepares for it goes with it: the next to use this session may not be us.)
const ALONE: &str = "
    SET LOCAL statement_timeout = '30min'; SELECT pg_advisory_xact_lock(7091186431); DEALLOCATE ALL";
const TIDY: &str = "DEALLOCATE ALL";

/// What an address may hold besides user, host and database. Anything else is refused: sqlx would log it, with its value.
const PARAMETERS: [&str; 14] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "port",
    "dbname",
    "user",
    "options",
];
const SECRET_PARAMETERS: [&str; 1] = ["password"];

/// How to open a store.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The address, as `store.url` has it.
    pub url: SecretString,
    /// The account it is opened for.
    pub account: AccountName,
    /// What the hash key is recognised by: [`crate::model::HashKey::check_value`].
    pub key_check: Keyed,
    /// Whether to make what is missing: the schema, the account in it. The database itself must be there.
    pub create: bool,
    /// Whether to run pending migrations; a store that was just made needs none of the kind.
    pub migrate: bool,
    /// Whether it is only read; then it must exist and be of this version, and every method that writes fails.
    pub read_only: bool,
}

/// The schema version this binary knows.
#[must_use]
pub fn known_version() -> i64 {
    schema::last(&MIGRATIONS)
}

/// How a database is named to people: never with its password.
///
/// # Errors
/// [`StoreError::Open`] if the address cannot be read.
pub fn place(url: &SecretString) -> Result<String, StoreError> {
    Server::parse(url).map(|server| server.place)
}

/// The schema version of a database; 0 for one that holds nothing yet.
///
/// # Errors
/// [`StoreError::Open`] where it is not a store, or cannot be asked; [`StoreError::Unreachable`].
pub async fn schema_version(
    url: &SecretString,
    patience: &Patience,
    notice: &(dyn Fn(&str) + Sync),
) -> Result<i64, StoreError> {
    let server = Server::parse(url)?;
    let ask = async || {
        let readers = Lane::reading(server.options.clone());
        let mut taken = readers.take().await.map_err(|error| server.unopened(error, None))?;
        let begun = taken.connection.begin_with(BEGIN_READING).await;
        let mut unit = begun.map_err(|error| server.unopened(error, None))?;
        server.look(&mut unit).await.map(|(found, _)| found)
    };
    patience.with(Twice::Same, &server, notice, ask).await
}

/// Asked in a transaction of its own: whoever stands before the server may hand on the connection after each one, and a statement is
/// prepared, bound and executed in several messages.
async fn origin(connection: &mut PgConnection, sql: &'static str) -> Result<String, sqlx::Error> {
    let mut unit = connection.begin_with(BEGIN_READING).await?;
    let origin = query_scalar::<_, String>(sql).persistent(false).fetch_one(&mut *unit).await?;
    unit.commit().await?;
    Ok(origin)
}

/// Whether the server refused it for want of a right.
fn forbidden(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "42501")
}

impl Units {
    /// Opens the store: one attempt.
    pub(super) async fn open(options: &OpenOptions, server: &Server) -> Result<Self, StoreError> {
        let readers = Arc::new(Lane::reading(server.options.clone()));
        let writer =
            if options.read_only { Arc::clone(&readers) } else { Arc::new(Lane::writing(server.options.clone())) };
        let (account, key_check) = (Arc::new(options.account.clone()), Arc::new(KeyCheck::new(options.key_check)));
        let store = Self { account, key_check, writer, readers, origin: "".into() };
        if !store.stands(options, server).await? {
            store.make(options, server).await?;
        }
        store.where_it_is_now(server).await
    }

    /// The same, with its database asked where it is: after a failover it is elsewhere, and may have gone back in time.
    pub(super) async fn where_it_is_now(&self, server: &Server) -> Result<Self, StoreError> {
        let mut taken = self.readers.take().await.map_err(|error| server.unopened(error, None))?;
        let mut asked = origin(&mut taken.connection, ORIGIN).await;
        if asked.as_ref().is_err_and(forbidden) {
            asked = origin(&mut taken.connection, ORIGIN_UNNAMED).await;
        }
        let origin = asked.map_err(|error| server.unopened(error, None))?.into();
        taken.give_back();
        let Self { account, key_check, writer, readers, origin: _ } = self;
        let [writer, readers] = [writer, readers].map(Arc::clone);
        Ok(Self { account: Arc::clone(account), key_check: Arc::clone(key_check), writer, readers, origin })
    }

    /// Where the database was when it was last asked.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere a store can be taken away while it is open")]
    pub(super) fn origin_now(&self) -> Result<Arc<str>, StoreError> {
        Ok(Arc::clone(&self.origin))
    }

    /// Whether schema, account and key are as they have to be; `false` if they are to be made so.
    async fn stands(&self, options: &OpenOptions, server: &Server) -> Result<bool, StoreError> {
        let OpenOptions { url: _, account, key_check, create, migrate, read_only } = options;
        let mut taken = self.readers.take().await.map_err(|error| server.unopened(error, None))?;
        let mut unit = taken.connection.begin_with(BEGIN_READING).await.map_err(|e| server.unopened(e, None))?;
        let ((found, _), needed) = (server.look(&mut unit).await?, known_version());
        schema::not_newer(found, needed)?;
        if found < needed {
            let new = *create && found == 0;
            if *read_only || !(*migrate || new) {
                return Err(StoreError::TooOld { found, needed });
            }
            return Ok(false);
        }
        let known = admitted(&mut unit, account, key_check).await?;
        unit.commit().await.map_err(failed)?;
        taken.give_back();
        match known {
            true => Ok(true),
            false if *create && !*read_only => Ok(false),
            false => {
                let reason = format!(
                    "it holds nothing of account {account} yet: check the account's name, or run `anagrafe migrate`"
                );
                Err(StoreError::Open { path: server.place.clone(), reason })
            }
        }
    }

    /// Schema, account and key, in one transaction.
    async fn make(&self, options: &OpenOptions, server: &Server) -> Result<(), StoreError> {
        let OpenOptions { url: _, account, key_check, create, migrate: _, read_only: _ } = options;
        let mut taken = self.writer.take().await.map_err(|error| server.unopened(error, None))?;
        let mut unit = taken.connection.begin_with(BEGIN_WRITING).await.map_err(|e| server.unopened(e, None))?;
        sqlx::raw_sql(ALONE).execute(&mut *unit).await.map_err(failed)?;
        let ((found, schema), needed) = (server.look(&mut unit).await?, known_version());
        schema::not_newer(found, needed)?;
        if found < needed {
            let migrated = schema::migrate_within(&mut unit, &MIGRATIONS, None).await.map_err(schema::unmigrated);
            migrated.map_err(|error| server.advised(error, Some(&schema)))?;
            sqlx::raw_sql(TIDY).execute(&mut *unit).await.map_err(failed)?;
        }
        let admitted = admit(&mut unit, account, key_check, *create).await;
        if !admitted.map_err(|error| server.advised(error, Some(&schema)))? {
            let reason = format!("it holds nothing of account {account} yet: check the account's name");
            return Err(StoreError::Open { path: server.place.clone(), reason });
        }
        // Whether it was heard or not: who opens it again finds out.
        commit(unit).await.map_err(failed)?;
        taken.give_back();
        Ok(())
    }
}

/// Where the database is, and how it is named to people: never with its password.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) options: PgConnectOptions,
    pub(super) place: String,
}

impl Server {
    /// What an address says. What it does not say comes from where every client of Postgres looks: PGPASSFILE, PGSSLMODE….
    pub(super) fn parse(url: &SecretString) -> Result<Self, StoreError> {
        let refused = |reason: String| StoreError::Open { path: "store.url".into(), reason };
        let text = url.expose_secret();
        let parsed = Url::parse(text).map_err(|error| refused(error.to_string()))?;
        let known = |key: &str| {
            PARAMETERS.contains(&key)
                || SECRET_PARAMETERS.contains(&key)
                || key == "application_name"
                || key.starts_with("options[")
        };
        if let Some((key, _)) = parsed.query_pairs().find(|(key, _)| !known(key)) {
            return Err(refused(format!("{key} is no parameter of a Postgres address: take it out")));
        }
        // sqlx names what it could not read, and that is never the password.
        let options = PgConnectOptions::from_str(text).map_err(|error| refused(innermost(&error)))?;
        let name = options.get_application_name().unwrap_or("anagrafe").to_owned();
        // A pgbouncer refuses a session that sets what it does not know; we have no fractions to print.
        let options = options
            .application_name(&name)
            .statement_cache_capacity(0)
            .extra_float_digits(None)
            .disable_statement_logging();
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let database = options.get_database().unwrap_or(options.get_username());
        let place = format!("Postgres database {database} of {host} (as {})", options.get_username());
        Ok(Self { options, place })
    }

    /// The schema's version and name. A schema with tables that are not ours is refused.
    pub(super) async fn look(&self, c: &mut PgConnection) -> Result<(i64, String), StoreError> {
        let look = query_as(LOOK).persistent(false).fetch_one(&mut *c).await;
        let (schema, ours, tables): (Option<String>, bool, i64) = look.map_err(|error| self.unopened(error, None))?;
        let refused = |reason: &str| StoreError::Open { path: self.place.clone(), reason: reason.to_owned() };
        let Some(schema) = schema else {
            return Err(refused(
                "no schema of the role's search_path can be used: let its owner GRANT USAGE on one, or set search_path",
            ));
        };
        match (ours, tables) {
            (true, _) => {
                let version = schema::version(c).await.map_err(|error| self.unopened(error, Some(&schema)))?;
                Ok((version, schema))
            }
            (false, 0) => Ok((0, schema)),
            (false, _) => Err(refused(
                "it holds tables of something else: give Anagrafe a database of its own, or a schema (search_path)",
            )),
        }
    }

    /// The error of a database that cannot be opened: its own words, and what to do.
    pub(super) fn unopened(&self, error: sqlx::Error, schema: Option<&str>) -> StoreError {
        let tls = matches!(&error, sqlx::Error::Tls(_));
        match failed(error) {
            StoreError::Database(error) if tls => StoreError::Open {
                path: self.place.clone(),
                reason: format!("{error}: look at sslmode and sslrootcert in store.url"),
            },
            error => self.advised(error, schema),
        }
    }

    /// The same error, with the place it is about.
    pub(super) fn placed(&self, error: StoreError) -> StoreError {
        match self.advised(error, None) {
            StoreError::Unreachable(why) => StoreError::Unreachable(format!("{}: {why}", self.place)),
            StoreError::ReadOnly(why) => StoreError::ReadOnly(format!("{}: {why}", self.place)),
            StoreError::InDoubt(why) => StoreError::InDoubt(format!("{}: {why}", self.place)),
            error => error,
        }
    }

    /// The same error; where something is to be done about it, with what.
    fn advised(&self, error: StoreError, schema: Option<&str>) -> StoreError {
        match error {
            StoreError::Database(error) => match self.advice(&error, schema) {
                Some(reason) => StoreError::Open { path: self.place.clone(), reason },
                None => StoreError::Database(error),
            },
            error => error,
        }
    }

    fn advice(&self, error: &sqlx::Error, schema: Option<&str>) -> Option<String> {
        let error = of_database(error)?;
        let (user, schema, message) = (self.options.get_username(), schema.unwrap_or("public"), error.message());
        match error.code() {
            "28P01" | "28000" => Some(format!(
                "{message}: check the user, and give the password in store.url_file, or by PGPASSFILE; the server's pg_hba.conf may not let this machine in"
            )),
            "3D000" => Some(format!("{message}: check the name, or let a DBA run CREATE DATABASE … OWNER \"{user}\"")),
            "42501" if message.contains("for schema") => Some(format!("{message}: {}", grant_making(schema, user))),
            "42501" => {
                Some(format!("{message}: {}; a migration has to be run by that owner", grant_working(schema, user)))
            }
            code if code.starts_with("08") => Some(message.to_owned()),
            _ => None,
        }
    }
}

/// What the first of an error's causes says.
fn innermost(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => innermost(source),
        None => error.to_string(),
    }
}
