//! What services report of themselves, for operators: questions to the decision
//! log, and a judgement of the log or of metrics.
//!
//! `decision_log` and `prometheus` know the two forms, and nothing else does.

mod decision_log;
pub(crate) mod guardrails;
pub(crate) mod logs;
mod prometheus;
mod scrape;
mod sheet;
mod span;
mod spread;
