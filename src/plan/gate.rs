//! Which updates of customers that were linked before a run may be sent, and which a safeguard holds. Pure: each update is asked
//! about in turn, and the answer depends on what was let through before.

use crate::model::hold::HoldKind;

/// An update, as far as a safeguard asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update {
    /// Whether its customer was linked before the run.
    pub standing: bool,
    /// Whether the contact was last judged by other rules.
    pub other_rules: bool,
    /// Whether a person released just this update.
    pub released: bool,
    /// What holds an update of this contact since an earlier run, if no person released that.
    pub held: Option<HoldKind>,
}

/// What a run lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// How many more updates it lets through; `None`: as many as there are.
    left: Option<u64>,
    /// Whether updates that changed rules ask for are held.
    rules_held: bool,
}

impl Gate {
    /// The gate of a run that may send `allowed` updates of customers linked before it, in a shop of which `judged_otherwise` linked contacts
    /// were judged by other rules.
    #[must_use]
    pub fn new(allowed: Option<u64>, judged_otherwise: u64) -> Self {
        Self { left: allowed, rules_held: allowed.is_some_and(|allowed| judged_otherwise > allowed) }
    }

    /// Whether a changed rule waits for a person.
    #[must_use]
    pub const fn holds_rules(&self) -> bool {
        self.rules_held
    }

    /// What holds this update, if anything does.
    pub fn ask(&mut self, update: Update) -> Option<HoldKind> {
        // A new link of somebody new is what a run is for. One of a contact that was judged before, by other rules, is the changed
        // rule's doing, as far as anybody can tell.
        let asked = update.standing || update.other_rules;
        if update.released || !asked {
            return None;
        }
        if self.rules_held && update.other_rules {
            return Some(HoldKind::Rules);
        }
        // What is held stays so until a person says otherwise, however few would go now. Where the rule was changed back, there is nothing
        // of its doing left to hold.
        match update.held {
            Some(HoldKind::Rules) if !update.other_rules => {}
            Some(kind) => return Some(kind),
            None => {}
        }
        match &mut self.left {
            None => None,
            Some(0) => Some(HoldKind::Updates),
            Some(left) => {
                *left -= 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Update = Update { standing: true, other_rules: false, released: false, held: None };

    #[test]
    fn where_few_are_linked_everything_goes() {
        let mut gate = Gate::new(None, 1_000);
        assert!((0..1_000).all(|_| gate.ask(PLAIN).is_none()));
        assert_eq!(gate.ask(Update { other_rules: true, ..PLAIN }), None);
    }

    #[test]
    fn exactly_the_share_goes_and_what_is_beyond_is_held() {
        let mut gate = Gate::new(Some(3), 0);
        let answers: Vec<_> = (0..5).map(|_| gate.ask(PLAIN)).collect();
        assert_eq!(answers, [None, None, None, Some(HoldKind::Updates), Some(HoldKind::Updates)]);
    }

    #[test]
    fn what_a_person_released_goes_and_takes_nobodys_place() {
        let mut gate = Gate::new(Some(1), 0);
        let released = Update { released: true, ..PLAIN };
        assert_eq!([gate.ask(released), gate.ask(released), gate.ask(PLAIN)], [None; 3]);
        assert_eq!(gate.ask(PLAIN), Some(HoldKind::Updates));
        assert_eq!(gate.ask(released), None);
    }

    #[test]
    fn what_is_held_stays_so_until_a_person_releases_it() {
        let (updates, rules) = (Some(HoldKind::Updates), Some(HoldKind::Rules));
        let held = |held| Update { held, ..PLAIN };
        for mut gate in [Gate::new(Some(5), 0), Gate::new(None, 0)] {
            assert_eq!(gate.ask(held(updates)), updates);
            assert_eq!(gate.ask(Update { other_rules: true, ..held(rules) }), rules);
            assert_eq!(gate.ask(held(rules)), None, "the rule was changed back");
            assert_eq!(gate.ask(Update { released: true, ..held(updates) }), None);
            assert_eq!(gate.ask(Update { standing: false, ..held(updates) }), None, "a new link of somebody new");
        }
        let mut gate = Gate::new(Some(1), 0);
        assert_eq!([gate.ask(held(updates)), gate.ask(PLAIN)], [updates, None], "it takes nobody's place");
    }

    #[test]
    fn a_new_link_goes_unless_a_changed_rule_made_it() {
        let new = Update { standing: false, ..PLAIN };
        let by_rule = Update { other_rules: true, ..new };
        let mut gate = Gate::new(Some(1), 11);
        assert_eq!([gate.ask(new), gate.ask(by_rule)], [None, Some(HoldKind::Rules)]);
        assert_eq!(gate.ask(Update { released: true, ..by_rule }), None);
        let mut gate = Gate::new(Some(1), 1);
        assert_eq!([gate.ask(by_rule), gate.ask(by_rule)], [None, Some(HoldKind::Updates)], "it takes a place");
        assert_eq!(gate.ask(new), None, "and a new one takes none");
        assert_eq!(Gate::new(None, 11).ask(by_rule), None);
    }

    #[test]
    fn a_changed_rule_that_touches_more_than_the_share_waits_before_its_first_write() {
        let mut gate = Gate::new(Some(10), 11);
        let touched = Update { other_rules: true, ..PLAIN };
        assert_eq!(gate.ask(touched), Some(HoldKind::Rules));
        assert_eq!(gate.ask(PLAIN), None, "what the shop changed goes on");
        assert_eq!(gate.ask(Update { released: true, ..touched }), None);
        assert_eq!(Gate::new(Some(10), 10).ask(touched), None, "within the share a rule just applies");
    }
}
