//! The releases on disk, and what of them is served.
//!
//! A [`Keeper`] looks at the folders again and again, judges what it sees and
//! swaps a new [`Catalog`] into the [`Library`]; requests read the catalog and
//! never the manifests. Files are read and hashed once per change, beside the
//! looking, so that a large artifact does not hold up the other channels.
//!
//! What is served changes in one place only, [`shelf::Shelf`], and only to
//! something that has passed every check.

use std::sync::Arc;

use arc_swap::ArcSwap;

mod catalog;
pub(crate) mod files;
mod gauges;
mod keeper;
mod look;
mod readings;
mod shelf;
mod verify;

pub(crate) use catalog::{Catalog, Feed, Offer, Served, whole_seconds};
pub(crate) use keeper::Keeper;

/// The catalog of this moment.
#[derive(Debug, Default)]
pub(crate) struct Library {
    current: ArcSwap<Catalog>,
}

// === impl Library ===

impl Library {
    /// What is served now.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.current.load_full()
    }

    fn replace(&self, catalog: Catalog) {
        self.current.store(Arc::new(catalog));
    }
}

#[cfg(test)]
mod tests;
