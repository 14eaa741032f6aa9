//! What is to be done next, and what was left out: the ticks that came and were not served yet. Pure.
//!
//! There is no overlap, since there is one runner. A pass that is waiting already, or running, is not asked for twice: a tick that finds it so
//! is skipped, and counted. Many that were missed are one.

use super::Task;
use crate::model::time::Moment;

/// What waits, what runs, what was skipped.
#[derive(Debug, Default)]
pub struct Agenda {
    sync: Waiting,
    resync: Waiting,
    running: Option<Task>,
}

/// What a pass is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// One that began before this moment will not do.
    pub since: Moment,
    /// One that began since this tick will, if it came to its end.
    pub missed: Option<Moment>,
}

impl Waits {
    /// Whether a run that came to its end will do: the last one that did began at a moment.
    #[must_use]
    pub fn are_met(self, last_done: Option<Moment>, now: Moment) -> bool {
        let tick = self.missed.unwrap_or(self.since);
        last_done.is_some_and(|begun| is_served(begun, tick, now))
    }
}

#[derive(Debug, Default)]
struct Waiting {
    /// Since this moment: the last tick that came, or the last call for a sync between two.
    since: Option<Moment>,
    /// The tick that was missed while nobody was there, if it is for its sake: a run that began since then and came to its end will do.
    missed: Option<Moment>,
    /// Whether a tick waits.
    ticked: bool,
    skipped: u64,
}

impl Agenda {
    /// A tick came; answers whether it adds anything.
    pub fn tick(&mut self, task: Task, at: Moment) -> bool {
        // A resync reads for hours, and lets a sync run between its pages: that one is asked for all the same.
        let runs = self.running == Some(task);
        let waiting = self.of(task);
        let adds = !runs && !waiting.ticked;
        if !adds {
            waiting.skipped += 1;
        }
        if !runs {
            (waiting.since, waiting.missed, waiting.ticked) = (Some(at), None, true);
        }
        adds
    }

    /// Something became due at a moment: a sync that begins later finds it. One that runs already may have passed it by.
    pub const fn poke(&mut self, at: Moment) {
        (self.sync.since, self.sync.missed) = (Some(at), None);
    }

    /// It is to be gone on with, unless another process has tried since; a tick that waits already asks for more.
    pub fn owe(&mut self, task: Task, since: Moment) {
        let waiting = self.of(task);
        waiting.since = waiting.since.max(Some(since));
    }

    /// It was missed while nobody was there, which is so at a moment: at its tick, if it had one.
    pub fn make_up(&mut self, task: Task, tick: Option<Moment>, now: Moment) {
        let waiting = self.of(task);
        if waiting.since.is_none() {
            (waiting.since, waiting.missed) = (Some(now), tick);
        }
    }

    /// What a pass waits for, if it does: see [`Waits`].
    #[must_use]
    pub fn waits(&self, task: Task) -> Option<Waits> {
        let waiting = match task {
            Task::Sync => &self.sync,
            Task::Resync => &self.resync,
        };
        waiting.since.map(|since| Waits { since, missed: waiting.missed })
    }

    /// What is to be done now: a sync, which is short, before a resync.
    #[must_use]
    pub fn next(&self) -> Option<Task> {
        let waits = |task: &Task| self.waits(*task).is_some();
        Task::ALL.into_iter().find(waits)
    }

    /// It is begun for what waited since a moment. What came since then waits on.
    pub fn begin(&mut self, task: Task, since: Moment) {
        self.served(task, since);
        self.running = Some(task);
    }

    /// It ended, well or badly: the next tick is the next chance.
    pub fn end(&mut self) {
        self.running = None;
    }

    /// Nobody has to do what waited since a moment any more. What came since then waits on.
    pub fn served(&mut self, task: Task, since: Moment) {
        let waiting = self.of(task);
        if waiting.since <= Some(since) {
            waiting.take();
        }
    }

    /// Takes a sync that came due while a resync runs; answers whether one had.
    pub fn take_between(&mut self) -> bool {
        self.sync.take().is_some()
    }

    /// What runs.
    #[must_use]
    pub const fn running(&self) -> Option<Task> {
        self.running
    }

    /// How many ticks of a pass were left out.
    #[must_use]
    pub const fn skipped(&self, task: Task) -> u64 {
        match task {
            Task::Sync => self.sync.skipped,
            Task::Resync => self.resync.skipped,
        }
    }

    const fn of(&mut self, task: Task) -> &mut Waiting {
        match task {
            Task::Sync => &mut self.sync,
            Task::Resync => &mut self.resync,
        }
    }
}

impl Waiting {
    /// It waits no more.
    fn take(&mut self) -> Option<Moment> {
        (self.ticked, self.missed) = (false, None);
        self.since.take()
    }
}

/// Whether a run was missed while nobody was there: none that came to its end began since its last tick, or one stands interrupted. A shop that
/// was never resynced is not owed one; its first crossing reads everybody.
#[must_use]
pub fn is_missed(
    task: Task,
    last_done: Option<Moment>,
    interrupted: bool,
    last_tick: Option<Moment>,
    now: Moment,
) -> bool {
    match (last_done, last_tick) {
        _ if interrupted => true,
        (None, _) => task == Task::Sync,
        (Some(_), None) => false,
        (Some(begun), Some(tick)) => !is_served(begun, tick, now),
    }
}

/// Whether a run began since a tick. One that began in the future was signed by a clock that was ahead, and says
/// nothing.
#[must_use]
pub fn is_served(begun: Moment, tick: Moment, now: Moment) -> bool {
    begun >= tick && !begun.is_ahead(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Moment {
        Moment::from_millis(minute * 60_000)
    }

    fn since(agenda: &Agenda, task: Task) -> Option<Moment> {
        agenda.waits(task).map(|waits| waits.since)
    }

    #[test]
    fn a_tick_is_done_once_and_a_sync_goes_first() {
        let mut agenda = Agenda::default();
        assert_eq!(agenda.next(), None);
        assert!(agenda.tick(Task::Resync, at(1)) && agenda.tick(Task::Sync, at(2)));
        assert_eq!((agenda.next(), since(&agenda, Task::Sync)), (Some(Task::Sync), Some(at(2))));
        agenda.begin(Task::Sync, at(2));
        assert_eq!((agenda.running(), agenda.next()), (Some(Task::Sync), Some(Task::Resync)));
        agenda.end();
        agenda.begin(Task::Resync, at(1));
        agenda.end();
        assert_eq!((agenda.running(), agenda.next()), (None, None));
    }

    #[test]
    fn what_is_waiting_or_running_is_not_asked_for_twice() {
        let mut agenda = Agenda::default();
        assert!(agenda.tick(Task::Sync, at(1)));
        assert!(!agenda.tick(Task::Sync, at(2)));
        assert_eq!(since(&agenda, Task::Sync), Some(at(2)), "one that ran since the first would not do for the second");
        agenda.begin(Task::Sync, at(2));
        assert!(!agenda.tick(Task::Sync, at(3)));
        assert_eq!(agenda.next(), None, "no second one at once after a long one");
        agenda.end();
        assert!(agenda.tick(Task::Sync, at(4)));
        assert_eq!((agenda.skipped(Task::Sync), agenda.skipped(Task::Resync)), (2, 0));
    }

    #[test]
    fn a_sync_may_come_due_in_a_resync_and_is_taken_once() {
        let mut agenda = Agenda::default();
        agenda.tick(Task::Resync, at(1));
        agenda.begin(Task::Resync, at(1));
        assert!(!agenda.take_between());
        assert!(agenda.tick(Task::Sync, at(2)) && !agenda.tick(Task::Sync, at(3)));
        assert!(agenda.take_between() && !agenda.take_between());
        assert!(!agenda.tick(Task::Resync, at(4)), "it runs");
        assert_eq!((agenda.skipped(Task::Sync), agenda.skipped(Task::Resync)), (1, 1));
    }

    #[test]
    fn what_becomes_due_between_two_ticks_is_no_tick_and_is_never_left_out() {
        let mut agenda = Agenda::default();
        agenda.poke(at(1));
        assert_eq!(since(&agenda, Task::Sync), Some(at(1)));
        assert!(agenda.tick(Task::Sync, at(2)) && !agenda.tick(Task::Sync, at(3)));
        agenda.poke(at(4));
        assert_eq!(since(&agenda, Task::Sync), Some(at(4)), "one that began at the tick would not do");
        agenda.begin(Task::Sync, at(4));
        assert_eq!(agenda.next(), None);
        agenda.poke(at(5));
        agenda.poke(at(6));
        assert!(!agenda.tick(Task::Sync, at(7)), "it runs");
        assert_eq!(since(&agenda, Task::Sync), Some(at(6)), "another one after it, and one only");
        agenda.end();
        agenda.begin(Task::Resync, at(6));
        assert!(agenda.take_between() && !agenda.take_between());
        assert_eq!((agenda.skipped(Task::Sync), agenda.skipped(Task::Resync)), (2, 0));
    }

    #[test]
    fn what_another_process_did_is_not_done_again() {
        let mut agenda = Agenda::default();
        agenda.tick(Task::Sync, at(1));
        agenda.served(Task::Sync, at(1));
        assert_eq!((agenda.next(), agenda.skipped(Task::Sync)), (None, 0));
    }

    #[test]
    fn what_comes_while_the_lease_is_waited_for_is_not_lost_with_what_waited_before() {
        let mut agenda = Agenda::default();
        agenda.tick(Task::Sync, at(1));
        agenda.poke(at(2));
        agenda.served(Task::Sync, at(1));
        assert_eq!(since(&agenda, Task::Sync), Some(at(2)), "another process began at the tick, and passed it by");
        agenda.begin(Task::Sync, at(1));
        assert_eq!(since(&agenda, Task::Sync), Some(at(2)));
    }

    #[test]
    fn what_is_owed_takes_nothing_from_a_tick_and_a_missed_run_is_known_as_one() {
        let mut agenda = Agenda::default();
        agenda.tick(Task::Sync, at(5));
        agenda.owe(Task::Sync, at(3));
        agenda.make_up(Task::Sync, Some(at(1)), at(6));
        assert_eq!(agenda.waits(Task::Sync), Some(Waits { since: at(5), missed: None }));
        agenda.make_up(Task::Resync, Some(at(1)), at(6));
        assert_eq!(agenda.waits(Task::Resync), Some(Waits { since: at(6), missed: Some(at(1)) }));
        agenda.tick(Task::Resync, at(7));
        assert_eq!(agenda.waits(Task::Resync), Some(Waits { since: at(7), missed: None }));
    }

    #[test]
    fn a_run_that_began_since_its_tick_makes_up_for_a_missed_one_and_no_other_wait_is_met_by_one_that_began_before_it()
    {
        let missed = Waits { since: at(6), missed: Some(at(1)) };
        let ticked = Waits { since: at(6), missed: None };
        let table = [
            (missed, None, false),
            (missed, Some(at(0)), false),
            (missed, Some(at(1)), true),
            (missed, Some(at(5)), true),
            (ticked, None, false),
            (ticked, Some(at(5)), false),
            (ticked, Some(at(6)), true),
            // By a clock that was an hour ahead, and is right now.
            (missed, Some(at(67)), false),
            (ticked, Some(at(67)), false),
        ];
        for (waits, done, met) in table {
            assert_eq!(waits.are_met(done, at(7)), met, "{waits:?} {done:?}");
        }
    }

    #[test]
    fn one_missed_run_is_made_up_for() {
        let table = [
            (Task::Sync, None, None, true),
            (Task::Sync, None, Some(at(5)), true),
            (Task::Resync, None, Some(at(5)), false),
            (Task::Resync, Some(at(4)), Some(at(5)), true),
            (Task::Resync, Some(at(5)), Some(at(5)), false),
            (Task::Sync, Some(at(6)), Some(at(5)), false),
            (Task::Sync, Some(at(6)), None, false),
            // By a clock that was an hour ahead, and is right now.
            (Task::Sync, Some(at(66)), Some(at(5)), true),
            (Task::Resync, Some(at(66)), Some(at(5)), true),
        ];
        for (task, begun, tick, missed) in table {
            assert_eq!(is_missed(task, begun, false, tick, at(7)), missed, "{task:?} {begun:?} {tick:?}");
            assert!(is_missed(task, begun, true, tick, at(7)), "it was begun: {task:?} {begun:?} {tick:?}");
        }
    }
}
