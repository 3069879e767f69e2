//! What services report of themselves, for operators: questions to the decision
//! log, a live view of the metrics, and a judgement of either.
//!
//! `decision_log` and `prometheus` know the two forms, and nothing else does.

mod decision_log;
pub(crate) mod guardrails;
pub(crate) mod logs;
mod prometheus;
pub(crate) mod scrape;
pub(crate) mod sheet;
mod span;
mod spread;
pub(crate) mod top;
