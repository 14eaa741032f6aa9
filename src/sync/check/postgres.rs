//! The place of a store on a server: what it is, what the role may do to its tables, and whether it may bring them up to date.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use secrecy::SecretString;

use super::state::{Place, URL};
use crate::{
    model::{
        AccountName, HashKey,
        finding::{Finding, Standing},
    },
    store::{
        Store, StoreError,
        postgres::{
            self, OpenOptions, Patience, PostgresStore, Rights, grant_making, grant_working, known_version,
            schema_version,
        },
    },
};

const SERVER: &str = "store.server";
const RIGHTS: &str = "store.rights";
const MIGRATIONS: &str = "store.migrations";

/// A database of a server.
#[derive(Debug)]
pub struct PostgresPlace {
    /// Its address.
    pub url: SecretString,
    /// The account it is opened for.
    pub account: AccountName,
    /// How long a server that is away is waited for.
    pub patience: Patience,
}

#[async_trait]
impl Place for PostgresPlace {
    fn shown(&self) -> String {
        postgres::place(&self.url).unwrap_or_else(|_| URL.to_owned())
    }

    fn needed(&self) -> i64 {
        known_version()
    }

    async fn version(&self) -> Result<Option<i64>, StoreError> {
        let found = schema_version(&self.url, &self.patience, &|_| {}).await?;
        Ok((found > 0).then_some(found))
    }

    async fn is_of(&self, key: &HashKey) -> Result<bool, StoreError> {
        postgres::made_with(&self.url, &self.account, &key.check_value(), &self.patience).await
    }

    async fn open(&self, key: &HashKey) -> Result<Arc<dyn Store>, StoreError> {
        let options = OpenOptions {
            url: self.url.clone(),
            account: self.account.clone(),
            key_check: key.check_value(),
            create: false,
            migrate: false,
            read_only: false,
        };
        Ok(Arc::new(PostgresStore::open(&options, self.patience.clone(), &|_| {}).await?))
    }

    async fn own(&self) -> Vec<Finding> {
        // Whoever is away was waited for when the version was asked, and was told of then.
        let patience = Patience { span: Duration::ZERO, ..self.patience.clone() };
        match postgres::rights(&self.url, &patience).await {
            Ok(rights) => told(&rights, known_version(), &self.shown()),
            Err(_) => Vec::new(),
        }
    }
}

/// What the rights of a role come to, for a store that is to have this version.
fn told(rights: &Rights, needed: i64, place: &str) -> Vec<Finding> {
    let Rights { server, role, schema, version, create, lacking, others } = rights;
    let mut out = vec![Finding::new(SERVER, Standing::Confirmed, format!("{server}: {place}"), "")];
    let Some(schema) = schema else { return out };
    let Some(version) = version else {
        out.extend(lacking.is_empty().then(|| making(schema, role, *create)));
        out.extend((!lacking.is_empty()).then(|| working(schema, role, lacking)));
        return out;
    };
    out.push(working(schema, role, lacking));
    if *version < needed {
        out.push(migrating(schema, role, needed - version, *create, others));
    }
    out
}

fn making(schema: &str, role: &str, create: bool) -> Finding {
    if create {
        return Finding::new(RIGHTS, Standing::Confirmed, format!("{role} may make tables in schema {schema}"), "");
    }
    let text = format!("{role} may not make tables in schema {schema}");
    Finding::new(RIGHTS, Standing::Contradicted, text, &grant_making(schema, role))
}

fn working(schema: &str, role: &str, lacking: &[(String, String)]) -> Finding {
    if lacking.is_empty() {
        let text = format!("{role} may read and write all tables in schema {schema}");
        return Finding::new(RIGHTS, Standing::Confirmed, text, "");
    }
    let lacks: Vec<String> = lacking.iter().map(|(table, right)| format!("{right} on {table}")).collect();
    let text = format!("{role} lacks {}", lacks.join(", "));
    Finding::new(RIGHTS, Standing::Contradicted, text, &grant_working(schema, role))
}

/// A migration makes tables and changes those that stand, which only their owner may.
fn migrating(schema: &str, role: &str, pending: i64, create: bool, others: &[String]) -> Finding {
    let mut hindrances = Vec::new();
    if !create {
        hindrances.push(format!("{role} may not make tables in schema {schema}"));
    }
    if !others.is_empty() {
        hindrances.push(format!("{} belong to another role", others.join(", ")));
    }
    if hindrances.is_empty() {
        let text = format!("{pending} pending, and {role} may make them");
        return Finding::new(MIGRATIONS, Standing::Confirmed, text, "");
    }
    let text = format!("{pending} pending, and {role} cannot make them: {}", hindrances.join("; "));
    let advice = "run `anagrafe migrate` once as the role that owns the tables and may make others";
    Finding::new(MIGRATIONS, Standing::Contradicted, text, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(version: Option<i64>) -> Rights {
        Rights {
            server: "PostgreSQL 15.1".into(),
            role: "eva".into(),
            schema: Some("public".into()),
            version,
            create: true,
            lacking: Vec::new(),
            others: Vec::new(),
        }
    }

    fn lines(rights: &Rights) -> Vec<(String, Standing)> {
        told(rights, 3, "here").into_iter().map(|found| (found.subject, found.verdict)).collect()
    }

    fn is(rights: &Rights, expected: &[(&str, Standing)]) {
        let expected: Vec<_> = [(SERVER, Standing::Confirmed)].iter().chain(expected).collect();
        let found = lines(rights);
        let found: Vec<_> = found.iter().map(|(subject, verdict)| (subject.as_str(), *verdict)).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{rights:?}");
    }

    #[test]
    fn what_a_role_may_do_is_held_against_what_is_to_be_done() {
        use Standing::{Confirmed, Contradicted};
        is(&rights(None), &[(RIGHTS, Confirmed)]);
        is(&Rights { create: false, ..rights(None) }, &[(RIGHTS, Contradicted)]);
        is(&Rights { schema: None, ..rights(None) }, &[]);
        is(&rights(Some(3)), &[(RIGHTS, Confirmed)]);
        is(&Rights { create: false, others: vec!["runs".into()], ..rights(Some(3)) }, &[(RIGHTS, Confirmed)]);
        is(&rights(Some(1)), &[(RIGHTS, Confirmed), (MIGRATIONS, Confirmed)]);
        is(&Rights { create: false, ..rights(Some(1)) }, &[(RIGHTS, Confirmed), (MIGRATIONS, Contradicted)]);
        let anothers = Rights { others: vec!["runs".into()], ..rights(Some(1)) };
        is(&anothers, &[(RIGHTS, Confirmed), (MIGRATIONS, Contradicted)]);
        for version in [None, Some(3)] {
            let lacking = Rights { lacking: vec![("writes".into(), "INSERT".into())], ..rights(version) };
            is(&lacking, &[(RIGHTS, Contradicted)]);
        }
    }

    #[test]
    fn what_is_lacking_is_named_with_what_a_dba_runs() {
        let lacking = vec![("runs".into(), "UPDATE".into()), ("writes".into(), "INSERT".into())];
        let found = working("public", "eva", &lacking);
        assert_eq!(found.text, "eva lacks UPDATE on runs, INSERT on writes");
        assert!(found.advice.is_some_and(|advice| advice.contains("ON ALL TABLES IN SCHEMA \"public\" TO \"eva\"")));
        let pending = migrating("public", "eva", 2, false, &["runs".into()]);
        let text = "2 pending, and eva cannot make them: eva may not make tables in schema public; runs belong to another role";
        assert_eq!(pending.text, text);
    }
}
