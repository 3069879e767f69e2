use crate::{Recollection, Remembered, UnixMillis};

/// What bounds a conversation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) newer_than: UnixMillis,
    pub(crate) max_bytes: usize,
}

/// Puts together what is stored and what is pending, both oldest first.
///
/// `pending` was taken before `stored`, so an entry written in between is in
/// both; it is the same one when time and words are.
pub(crate) fn recollect(
    stored: Vec<Remembered>,
    pending: Vec<Remembered>,
    bounds: Bounds,
) -> Recollection {
    let unwritten: Vec<_> = pending.into_iter().filter(|entry| !stored.contains(entry)).collect();
    let mut room = bounds.max_bytes;
    let mut exchanges: Vec<_> = stored
        .into_iter()
        .chain(unwritten)
        .filter(|entry| entry.at > bounds.newer_than)
        .rev()
        .map_while(|entry| {
            room = room.checked_sub(entry.exchange.bytes())?;
            Some(entry.exchange)
        })
        .collect();
    exchanges.reverse();
    Recollection { exchanges }
}

#[cfg(test)]
mod tests;
