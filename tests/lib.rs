//! Nothing but its tests: see `it/` and `benches/`.
