//! What changes with the crew: nobody's before the first one, and anew with each reload.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is in force now, if anything is.
#[derive(Debug)]
pub struct Present<T>(Mutex<Option<T>>);

impl<T> Default for Present<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Present<T> {
    /// What is in force.
    #[must_use]
    pub fn get(&self) -> Option<T> {
        self.now().clone()
    }

    /// This is, from now on.
    pub fn set(&self, value: Option<T>) {
        *self.now() = value;
    }

    fn now(&self) -> MutexGuard<'_, Option<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
