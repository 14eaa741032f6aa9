//! Who may stay connected: so many at once, and so much that was read of them. Where one too many comes, or too much, whoever is there for
//! longest goes, so that a crowd of idle ones keeps nobody out. Pure.

use std::collections::BTreeMap;

/// Connections at once.
pub(super) const MOST: usize = 256;
/// What all of them together may have sent, in bytes.
const HOLD: usize = 16 << 20;

/// Those who are connected, by number in the order in which they came: what each has sent, and what it is cut with.
#[derive(Debug)]
pub(super) struct Places<T> {
    there: BTreeMap<u64, (usize, T)>,
    came: u64,
    sent: usize,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { there: BTreeMap::new(), came: 0, sent: 0 }
    }
}

impl<T> Places<T> {
    /// One comes; answers its number, and whoever is to go for it.
    pub(super) fn come(&mut self, cut: T) -> (u64, Option<T>) {
        let gone = if self.there.len() < MOST { None } else { self.oldest() };
        self.came += 1;
        self.there.insert(self.came, (0, cut));
        (self.came, gone)
    }

    /// One sent so much more; answers whoever is to go for that. One that is there alone stays: how long a call may be is another's to say.
    pub(super) fn sent(&mut self, number: u64, bytes: usize) -> Vec<T> {
        let Some((sent, _)) = self.there.get_mut(&number) else { return Vec::new() };
        *sent += bytes;
        self.sent += bytes;
        let mut gone = Vec::new();
        while self.sent > HOLD && self.there.len() > 1 {
            gone.extend(self.oldest());
        }
        gone
    }

    /// One is gone.
    pub(super) fn leave(&mut self, number: u64) {
        if let Some((sent, _)) = self.there.remove(&number) {
            self.sent -= sent;
        }
    }

    fn oldest(&mut self) -> Option<T> {
        let (_, (sent, cut)) = self.there.pop_first()?;
        self.sent -= sent;
        Some(cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_there_for_longest_goes_for_a_new_one() {
        let mut places = Places::default();
        for name in 0..MOST {
            assert_eq!(places.come(name).1, None);
        }
        assert_eq!(places.come(MOST).1, Some(0));
        places.leave(2);
        assert_eq!(places.come(MOST + 1).1, None, "there is a place again");
        assert_eq!(places.come(MOST + 2).1, Some(2));
        assert_eq!(places.there.len(), MOST);
    }

    #[test]
    fn whoever_is_there_for_longest_goes_where_too_much_was_sent() {
        let mut places = Places::default();
        let [first, second, third] = ["first", "second", "third"].map(|name| places.come(name).0);
        assert!(places.sent(second, HOLD).is_empty());
        assert_eq!(places.sent(third, 1), ["first", "second"], "until it is little enough");
        assert_eq!(places.sent, 1);
        assert!(places.sent(first, HOLD).is_empty(), "it is gone");
        assert!(places.sent(third, 2 * HOLD).is_empty(), "it is alone");
        places.leave(third);
        places.leave(third);
        assert_eq!((places.sent, places.there.len()), (0, 0));
    }
}
