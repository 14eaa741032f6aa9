//! The migrations of a store, read from their folder as they lie there.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::path::Path;

use sqlx::migrate::Migrator;

pub async fn migrations(folder: &str) -> Migrator {
    Migrator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder)).await.unwrap()
}
