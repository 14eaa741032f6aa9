//! Merging, as far as it is a decision: which proposals may be carried out now ([`authority`]), whether what was proposed still is
//! ([`again`]), what became of a merge, from what was read ([`outcome`]), and what of it can be written back ([`restore`]). Pure. That a
//! merge is proposed at all is `super::merges`'s; sending it is `crate::sync`'s.

pub mod again;
pub mod authority;
pub mod outcome;
pub mod restore;
