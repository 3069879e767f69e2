//! What the benches share. Everything else here is tests: see `it/` and
//! `benches/`.

#[path = "benches/report.rs"]
pub mod report;
