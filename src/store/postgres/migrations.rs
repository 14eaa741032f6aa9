//! The migrations of `migrations/postgres`, which the binary takes with it.

use std::sync::LazyLock;

use sqlx::migrate::Migrator;

use super::sql::schema;

/// All of them. Without sqlx's own lock: that one belongs to a session, and behind a pgbouncer nobody has one.
pub(super) static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = schema::migrations![
        "../../../migrations/postgres/0001_store.sql",
        "../../../migrations/postgres/0002_behind_our_back.sql",
        "../../../migrations/postgres/0003_merges.sql",
        "../../../migrations/postgres/0004_rotation.sql",
        "../../../migrations/postgres/0005_runs_ended.sql",
        "../../../migrations/postgres/0006_alerts.sql",
        "../../../migrations/postgres/0007_by_hand.sql",
        "../../../migrations/postgres/0008_whole_runs.sql",
        "../../../migrations/postgres/0009_parts.sql",
    ];
    migrations.set_locking(false);
    migrations
});

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_migration_of_the_folder_is_taken() {
        schema::tests::are_those_of("postgres", &MIGRATIONS).await;
    }
}
