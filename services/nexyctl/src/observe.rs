//! What services report of themselves, for operators: questions to the decision
//! log.

mod decision_log;
pub(crate) mod logs;
mod sheet;
mod span;
mod spread;
