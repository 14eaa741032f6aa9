//! The migrations of `migrations/sqlite`, which the binary takes with it.

use std::sync::LazyLock;

use sqlx::migrate::Migrator;

use super::sql::schema;

/// All of them.
pub(super) static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    schema::migrations![
        "../../../migrations/sqlite/0001_store.sql",
        "../../../migrations/sqlite/0002_behind_our_back.sql",
        "../../../migrations/sqlite/0003_merges.sql",
        "../../../migrations/sqlite/0004_rotation.sql",
        "../../../migrations/sqlite/0005_runs_ended.sql",
        "../../../migrations/sqlite/0006_alerts.sql",
        "../../../migrations/sqlite/0007_by_hand.sql",
        "../../../migrations/sqlite/0008_whole_runs.sql",
        "../../../migrations/sqlite/0009_parts.sql",
    ]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_migration_of_the_folder_is_taken() {
        schema::tests::are_those_of("sqlite", &MIGRATIONS).await;
    }
}
