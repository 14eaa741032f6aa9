//! What can go wrong with the store.

use crate::model::{
    ContactKey, ShopName,
    proposal::{ProposalId, ProposalState},
    time::Moment,
};

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The lease is another's now: nothing was changed.
    #[error("another process has taken over this account: nothing was written; run again")]
    LeaseLost,
    /// Writing is paused: nothing was declared.
    #[error("writing is paused: `anagrafe resume` lets it go on")]
    Paused,
    /// Persons of a declaration were erased meanwhile: nothing was declared. It may be made again without them.
    #[error("contacts of this step were erased meanwhile: nothing was written for anybody; run again")]
    Erased(Vec<ContactKey>),
    /// The database was made by a newer Anagrafe.
    #[error(
        "the store has schema version {found}, and this Anagrafe knows {known}: install the newer version, or restore an older store"
    )]
    TooNew {
        /// Version of the store.
        found: i64,
        /// The last one this binary knows.
        known: i64,
    },
    /// The database needs a migration.
    #[error("the store has schema version {found}, and this Anagrafe needs {needed}: run `anagrafe migrate`")]
    TooOld {
        /// Version of the store.
        found: i64,
        /// The version needed.
        needed: i64,
    },
    /// The hash key is not the one the store was made with.
    #[error(
        "the hash key is not the one this store was made with, nor is the previous one, if one is given: give the key it was made with (store.hash_key_file), or start with an empty store"
    )]
    WrongKey,
    /// Erased addresses that only a key that was not given can tell.
    #[error(
        "{0} erased addresses are known by the hash key before this one only, and without it they would be taken for new: give it as store.previous_hash_key, or lift those erasures and repeat them by address (`anagrafe erase list`)"
    )]
    Sealed(u64),
    /// The shop stands under another name in this account already.
    #[error(
        "shop {shop} is the shop that this store already knows as {known}: give it one name in every configuration of this account"
    )]
    SameShop {
        /// The name now.
        shop: ShopName,
        /// The name it has.
        known: ShopName,
    },
    /// The database cannot be reached, or ended the connection; the transaction did not happen.
    #[error(
        "the store cannot be reached, and nothing of this step was kept: {0}; look at store.url, and whether the database runs"
    )]
    Unreachable(String),
    /// The database can only be read.
    #[error("the store can only be read ({0}): give Anagrafe a database it may write to, or wait until it may")]
    ReadOnly(String),
    /// No link to end.
    #[error("contact {0} has no link: `anagrafe explain contact {0}` shows what is known of it")]
    NoLink(ContactKey),
    /// The store knows nothing of the contact.
    #[error("contact {0} is not known here: only a contact that a pass has read can be assigned or erased by its id")]
    NoContact(ContactKey),
    /// No such erasure, or lifted already.
    #[error("there is no erasure {0} to lift: `anagrafe erase list` shows those that stand")]
    NoErasure(i64),
    /// No such proposal.
    #[error("there is no proposal {0}: `anagrafe links list` and `merges list` show those that stand")]
    NoProposal(ProposalId),
    /// It is not open any more.
    #[error("proposal {id} is {}: only an open one can be decided", state.as_str())]
    NotOpen {
        /// Which.
        id: ProposalId,
        /// What it is.
        state: ProposalState,
    },
    /// What it rests on was last seen too long ago.
    #[error(
        "proposal {id} has expired: it was last found {made_at}. Have its contact looked at again (`anagrafe resync --contact ID --force`), and decide about what is proposed then"
    )]
    Expired {
        /// Which.
        id: ProposalId,
        /// When it was last found to be so.
        made_at: Moment,
    },
    /// It is being carried out, and what became of it is not known yet.
    #[error(
        "proposal {0} is being carried out, and what became of it is not known yet: wait until a run has found out (`anagrafe merges show {0}`)"
    )]
    InDoubtYet(ProposalId),
    /// No such hold, or released already.
    #[error("there is no standing hold {0}: `anagrafe holds list` shows those that stand")]
    NoHold(i64),
    /// A row that makes no sense; the name says which.
    #[error("the store holds something this Anagrafe cannot read: {0}")]
    Inconsistent(&'static str),
    /// The file or its folder cannot be opened.
    #[error("cannot open the store {path}: {reason}")]
    Open {
        /// Where.
        path: String,
        /// Why, in the system's words.
        reason: String,
    },
    /// The disk is full: the transaction was undone.
    #[error("the disk that holds the store is full: nothing of this step was kept; make room and run again")]
    Full,
    /// The database was told to commit, and whether it did is not known.
    #[error(
        "the store went away just when this step was to be kept ({0}), so whether it was is not known: run again once the database is back; what was kept is found then, and nothing is done twice"
    )]
    InDoubt(String),
    /// The database failed; the transaction was undone.
    #[error("the store failed, and nothing of this step was kept: {0}")]
    Database(#[source] sqlx::Error),
}
