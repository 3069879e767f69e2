use super::{
    files::StoredFile,
    verify::{Finding, Subject},
};
use nexy_releases::{Claim, Problem};

/// What is known about files that have been read; one is read at a time.
#[derive(Debug, Default)]
pub(super) struct Readings {
    is_running: bool,
    done: Vec<(Subject, Finding)>,
}

/// What is known about one file.
#[derive(Debug)]
pub(super) enum Known {
    /// It is what is claimed of it.
    Good,
    /// It is not.
    Bad(Vec<Problem>),
    /// It has to be read, and can be now.
    Unread,
    /// It has to be read, after another one.
    Waiting,
}

// === impl Readings ===

impl Readings {
    /// What is known about a file.
    pub(super) fn of(&mut self, file: &StoredFile, claim: &Claim) -> Known {
        let known = self.done.iter().position(|(subject, _)| subject.is_about(file, claim));
        match known.and_then(|place| self.done.get(place)) {
            Some((_, Finding::Match)) => Known::Good,
            Some((subject, Finding::Mismatch(problems))) if subject.claim.key == claim.key => {
                Known::Bad(problems.clone())
            }
            Some((_, Finding::Unknown(problem))) => {
                let problem = problem.clone();
                // To be read again at the next look.
                known.map(|place| self.done.remove(place));
                Known::Bad(vec![problem])
            }
            Some((_, Finding::Mismatch(_))) | None if self.is_running => Known::Waiting,
            Some((_, Finding::Mismatch(_))) | None => Known::Unread,
        }
    }

    /// A file begins to be read.
    pub(super) fn begin(&mut self) {
        self.is_running = true;
    }

    /// A file has been read.
    pub(super) fn end(&mut self, subject: Subject, finding: Finding) {
        self.is_running = false;
        self.done.retain(|(known, _)| *known != subject);
        self.done.push((subject, finding));
    }

    /// A reading was lost with its result.
    pub(super) fn lost(&mut self) {
        self.is_running = false;
    }

    /// Forgets everything that is not about one of these claims.
    pub(super) fn keep(&mut self, claims: &[Claim]) {
        self.done
            .retain(|(subject, _)| claims.iter().any(|claim| subject.claim.sha256 == claim.sha256));
    }
}
