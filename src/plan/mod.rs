//! What to do: pure and synchronous, without clock, log or I/O.
