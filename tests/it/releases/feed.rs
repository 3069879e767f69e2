//! A reader of feeds that shares no line with ours: Python's, on top of expat.

use std::{collections::BTreeMap, process::Stdio};

use anyhow::{Context as _, ensure};
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

use crate::support::SOON;

/// Texts by the names of their elements, and attributes by both names.
pub(super) type Item = BTreeMap<String, String>;

const READER: &str = r#"
import json, sys
import xml.etree.ElementTree as tree
SPARKLE = "{http://www.andymatuschak.org/xml-namespaces/sparkle}"
def name(text):
    return text.replace(SPARKLE, "sparkle:")
def read(item):
    read = {}
    for element in item:
        if element.text is not None:
            read[name(element.tag)] = element.text
        for key, value in element.attrib.items():
            read[name(element.tag) + " " + name(key)] = value
    return read
root = tree.fromstring(sys.stdin.buffer.read())
assert root.tag == "rss", root.tag
print(json.dumps([read(item) for item in root.findall("./channel/item")]))
"#;

/// The items of a feed.
pub(super) async fn items(feed: &str) -> anyhow::Result<Vec<Item>> {
    let mut reader = Command::new("python3")
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut input = reader.stdin.take().context("reach its input")?;
    input.write_all(feed.as_bytes()).await?;
    drop(input);
    let output = timeout(SOON, reader.wait_with_output()).await??;
    ensure!(output.status.success(), "it refuses the feed");
    Ok(serde_json::from_slice(&output.stdout)?)
}
