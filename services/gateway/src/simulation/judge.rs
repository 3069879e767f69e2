//! What has to be true of a call, and of every interrupt, once it is over.

use std::time::Duration;

use tonic::Code;

use super::{
    call::Call,
    device::{Device, Stop, ms},
    script::Ending,
};

/// How much later than its deadline a call may end, on a way that works.
const LATE: Duration = Duration::from_millis(200);

// === impl Device ===

impl Device {
    /// Holds the end of a call against what was asked.
    pub(super) fn judge(&self, call: &Call, must_be_whole: bool) {
        let heard = call.heard.borrow();
        let Some(over) = &heard.over else { return self.violation("no end", &heard) };
        if self.is_disturbed(call.began) {
            return;
        }
        if over.reason.is_none() && over.code != Code::Ok {
            self.violation("an end that the gateway did not make", &heard);
        }
        if over.at > call.began + call.deadline + LATE + 2 * self.way() {
            self.violation("an end behind the deadline", &heard);
        }
        let script = heard.scripts[0];
        let has_time = call.deadline > ms(script.lasts_ms()) + LATE + 6 * self.way();
        let is_stopped = self.stops.borrow().iter().any(|stop| stop.answered >= call.began);
        let owes = must_be_whole && has_time && !is_stopped && self.board.plan.is_calm;
        if owes && script.is_whole() && heard.completed != 1 {
            self.violation("not whole, and nothing was wrong", &heard);
        }
        let all = (script.segments, script.segments);
        if owes && script.ending == Ending::Failed && (heard.texts, heard.audios) != all {
            self.violation("not all that was said before it failed", &heard);
        }
        self.board.count(if heard.completed > 0 { "whole" } else { "not whole" });
        drop(heard);
    }

    /// Whoever was said to be stopped has not come to its end.
    pub(super) fn judge_stops(&self) {
        let calls = self.calls.borrow();
        for stop in self.stops.borrow().iter() {
            for session in stop.sessions.iter().flatten() {
                let is_there = calls.iter().any(|call| {
                    let heard = call.borrow();
                    let asked = u32::try_from(heard.scripts.len()).unwrap_or(u32::MAX);
                    heard.session == *session && heard.completed < asked
                });
                if !is_there {
                    let Stop { said, answered, .. } = stop;
                    let text =
                        format!("{session} was not stopped between {said:?} and {answered:?}");
                    self.board.violation(format!("{}: {text}", self.name));
                }
            }
        }
    }
}
