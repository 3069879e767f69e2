//! Drives what cargo-fuzz drives, without it.

use std::{fs, path::Path};

use anyhow::{Context as _, anyhow, ensure};
use proptest::{
    collection::vec,
    prelude::{Strategy as _, any},
    prop_oneof,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};

/// Inputs that are made up for a property.
const CASES: u32 = 256;

/// Files, or parts of them, that one made-up input is put together from.
const MOST_PARTS: usize = 6;

/// The longest input of bytes without any meaning.
const MOST_BYTES: usize = 300;

/// Holds a property of a crate against each file of its corpus, against parts of
/// these files put together anyhow, and against arbitrary bytes.
///
/// # Errors
/// When the property panics, with the input reduced to what matters, and when
/// there is no corpus.
pub fn drive(corpus: impl AsRef<Path>, property: fn(&[u8])) -> anyhow::Result<()> {
    let corpus = read(corpus.as_ref())?;
    for input in &corpus {
        property(input);
    }
    let part = (select(corpus), any::<Index>(), any::<Index>()).prop_map(|(file, from, to)| {
        let (from, to) = (from.index(file.len() + 1), to.index(file.len() + 1));
        file[from.min(to)..from.max(to)].to_vec()
    });
    let input = prop_oneof![
        3 => vec(part, 1..MOST_PARTS).prop_map(|parts| parts.concat()),
        1 => vec(any::<u8>(), 0..MOST_BYTES),
    ];
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&input, |input| {
        property(&input);
        Ok(())
    });
    outcome.map_err(|failure| anyhow!("{failure}"))
}

/// The files of a folder, in the order of their names.
fn read(folder: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort();
    ensure!(!paths.is_empty(), "{} is empty", folder.display());
    paths.iter().map(|path| Ok(fs::read(path)?)).collect()
}
