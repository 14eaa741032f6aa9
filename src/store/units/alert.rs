//! Alerts as the store is asked about them and told of them.

use crate::model::{
    alert::{About, Alert, KeptAlert, Standing},
    time::Moment,
};

/// What alerts are decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// How things stand.
    pub standing: Standing,
    /// What was told or is to be told, by subject.
    pub told: Vec<KeptAlert>,
}

/// A change of a subject's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertChange {
    /// How it is now.
    pub alert: Alert,
    /// The revision at which it was seen before; none if nothing was ever told of it.
    pub was: Option<i64>,
}

/// What became of trying to deliver an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertSettled {
    /// Whose.
    pub about: About,
    /// The change that was tried.
    pub id: String,
    /// Who took it.
    pub by: String,
    /// How it went.
    pub tried: AlertTried,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertTried {
    /// It is delivered.
    Delivered(Moment),
    /// It is to be tried again at this moment.
    Again(Moment),
    /// It was not tried.
    Left,
}
