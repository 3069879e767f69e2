//! What somebody has to know who watches the server: see Docs/ALERTS.md.

use nexy_releases::{Channel, CheckRecord};
use nexy_telemetry::metrics::{
    UPDATE_CHECK_MISSES, UPDATE_CHECKED, UPDATE_FILES_ELSEWHERE, UPDATE_REFUSED,
};

use super::catalog::Offer;

/// Shows what the channels serve and refuse, and what the tool has found.
pub(super) fn show(offers: &[Offer], checked: Option<&CheckRecord>) {
    for offer in offers {
        let channel = offer.channel.as_str();
        UPDATE_REFUSED.set([channel], i64::from(!offer.refused.is_empty()));
        UPDATE_FILES_ELSEWHERE.set([channel], elsewhere(offer));
    }
    let about = Channel::ALL.map(Channel::as_str).into_iter().chain([CheckRecord::AUDIT_LOG]);
    for about in about {
        let misses = checked.and_then(|checked| checked.misses.get(about)).copied();
        UPDATE_CHECK_MISSES.set([about], misses.unwrap_or(0).into());
    }
    UPDATE_CHECKED.set([], checked.map_or(0, |checked| checked.at.as_second()));
}

/// Files that a channel carries by their URL, whose bytes this server never sees.
fn elsewhere(offer: &Offer) -> i64 {
    let Some(served) = offer.served.as_deref() else { return 0 };
    let count = served.plan.claims().len().saturating_sub(served.stored.len());
    i64::try_from(count).unwrap_or(i64::MAX)
}
