//! Statements, as the database at hand is asked them: whether a connection keeps them prepared is the adapter's to say.

use sqlx::{FromRow, query::QueryAs};

use super::{
    Connection, Database, Row,
    dialect::{AFTER_PAGE, KEEP_PREPARED},
    failure::failed,
};
use crate::store::StoreError;

/// What a statement is given.
pub(super) type Arguments = <Database as sqlx::Database>::Arguments;

pub(super) fn query<'q>(sql: &'static str) -> sqlx::query::Query<'q, Database, Arguments> {
    sqlx::query(sql).persistent(KEEP_PREPARED)
}

pub(super) fn query_as<'q, O>(sql: &'static str) -> QueryAs<'q, Database, O, Arguments>
where
    O: for<'r> FromRow<'r, Row>,
{
    sqlx::query_as(sql).persistent(KEEP_PREPARED)
}

pub(super) fn query_scalar<'q, O>(sql: &'static str) -> sqlx::query::QueryScalar<'q, Database, O, Arguments>
where
    (O,): for<'r> FromRow<'r, Row>,
{
    sqlx::query_scalar(sql).persistent(KEEP_PREPARED)
}

/// What a database wants after a page of contacts.
pub(super) async fn after_page(c: &mut Connection) -> Result<(), StoreError> {
    if let Some(after) = AFTER_PAGE {
        query(after).execute(c).await.map_err(failed)?;
    }
    Ok(())
}
