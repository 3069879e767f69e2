use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SETTINGS: CollectSettings = CollectSettings {
    ttl: Duration::from_secs(60),
    max_entries: 2,
    max_text_chars: 20,
    max_total_bytes: 40,
};

fn key(n: u8) -> CollectKey {
    CollectKey {
        device: HardwareId::parse(&format!("device-{n}")).unwrap(),
        session: SessionId::parse("00000000-0000-4000-8000-000000000001").unwrap(),
    }
}

fn text(seq: i32, text: &str) -> Chunk<'_, Vec<u8>> {
    Chunk { seq, text, screenshot: None }
}

fn image(seq: i32, bytes: usize) -> Chunk<'static, Vec<u8>> {
    Chunk { seq, text: "", screenshot: Some(vec![7; bytes]) }
}

/// A collector and a time to begin at.
fn collector() -> (Collector<Vec<u8>>, Instant) {
    (Collector::new(SETTINGS), Instant::now())
}

fn prompt(collector: &Collector<Vec<u8>>, n: u8, prompt: &str, now: Instant) -> String {
    collector.merge(&key(n), prompt, now).prompt
}

#[test]
fn a_commit_asks_what_was_collected() {
    let (collector, now) = collector();
    for (seq, piece) in [(1, "hello"), (2, "lo wor"), (5, "world")] {
        collector.collect(&key(1), text(seq, piece), now).unwrap();
    }
    assert_eq!(prompt(&collector, 1, "", now), "hello world");
    assert_eq!(prompt(&collector, 1, "again", now), "hello world again");
    assert_eq!(prompt(&collector, 2, "other", now), "other");
}

#[test]
fn a_refused_commit_keeps_the_buffer_and_an_accepted_one_empties_it() {
    let (collector, now) = collector();
    collector.collect(&key(1), text(3, "open the"), now).unwrap();
    assert_eq!(prompt(&collector, 1, "door", now), "open the door");
    assert_eq!(prompt(&collector, 1, "gate", now), "open the gate");
    collector.commit(&key(1));
    collector.commit(&key(1));
    assert_eq!(prompt(&collector, 1, "gate", now), "gate");
    assert_eq!((collector.entries(), collector.bytes()), (0, 0));
    collector.collect(&key(1), text(1, "next"), now).unwrap();
    assert_eq!(prompt(&collector, 1, "", now), "next");
}

#[test]
fn an_old_or_repeated_chunk_is_ignored() {
    let (collector, now) = collector();
    for (seq, piece) in [(0, "one"), (2, "two"), (2, "three"), (1, "four"), (-1, "five")] {
        collector.collect(&key(1), text(seq, piece), now).unwrap();
    }
    assert_eq!(prompt(&collector, 1, "", now), "one two");
}

#[test]
fn the_last_screenshot_counts() {
    let (collector, now) = collector();
    collector.collect(&key(1), image(1, 3), now).unwrap();
    collector.collect(&key(1), image(2, 5), now).unwrap();
    collector.collect(&key(1), text(3, "what is this"), now).unwrap();
    let merged = collector.merge(&key(1), "", now);
    assert_eq!((merged.prompt.as_str(), merged.screenshot), ("what is this", Some(vec![7; 5])));
    assert_eq!(collector.bytes(), 17);
}

#[test]
fn entries_expire() {
    let (collector, now) = collector();
    collector.collect(&key(1), text(5, "one"), now).unwrap();
    let later = now + Duration::from_secs(59);
    collector.collect(&key(1), text(6, "two"), later).unwrap();
    let expired = later + SETTINGS.ttl;
    assert_eq!(prompt(&collector, 1, "", expired - Duration::from_nanos(1)), "one two");
    assert_eq!(prompt(&collector, 1, "new", expired), "new");
    collector.collect(&key(1), text(1, "three"), expired).unwrap();
    assert_eq!(prompt(&collector, 1, "", expired), "three");
    assert_eq!((collector.entries(), collector.bytes()), (1, 5));
    collector.expire(expired + SETTINGS.ttl);
    assert_eq!((collector.entries(), collector.bytes()), (0, 0));
}

#[test]
fn the_number_of_entries_is_bounded() {
    let (collector, now) = collector();
    collector.collect(&key(1), text(1, "one"), now).unwrap();
    collector.collect(&key(2), text(1, "two"), now).unwrap();
    let refused = collector.collect(&key(3), text(1, "three"), now).unwrap_err();
    assert_eq!((refused, refused.error_type()), (Full::Server, ErrorType::Unavailable));
    collector.collect(&key(1), text(2, "more"), now).unwrap();
    collector.collect(&key(3), text(1, "three"), now + SETTINGS.ttl).unwrap();
    assert_eq!(collector.entries(), 1);
}

#[test]
fn the_bytes_are_bounded_and_a_refusal_changes_nothing() {
    let (collector, now) = collector();
    collector.collect(&key(1), text(1, "0123456789"), now).unwrap();
    let refused = collector.collect(&key(1), text(2, "abcdefghij"), now).unwrap_err();
    assert_eq!(refused, Full::Text { max_chars: 20 });
    assert_eq!(refused.error_type(), ErrorType::ValidationFailed);
    assert_eq!(refused.to_string(), "the collected text must be at most 20 characters");
    assert_eq!(collector.collect(&key(2), image(1, 31), now), Err(Full::Server));
    collector.collect(&key(2), image(1, 30), now).unwrap();
    collector.collect(&key(2), image(2, 29), now).unwrap();
    assert_eq!((collector.entries(), collector.bytes()), (2, 39));
    collector.collect(&key(1), text(2, "a"), now).unwrap_err();
    assert_eq!(prompt(&collector, 1, "", now), "0123456789");
}

#[test]
fn a_text_is_bounded_in_characters_and_a_refusal_changes_nothing() {
    let (collector, now) = collector();
    // With the blank between them, 20 characters of up to two bytes each.
    collector.collect(&key(1), text(1, "приготовь"), now).unwrap();
    collector.collect(&key(1), text(2, "мне ужин !"), now).unwrap();
    assert_eq!(collector.bytes(), 36);
    let refused = collector.collect(&key(1), text(3, "!!"), now).unwrap_err();
    assert_eq!(refused, Full::Text { max_chars: 20 });
    assert_eq!(collector.bytes(), 36);
    let asked = prompt(&collector, 1, "", now);
    assert_eq!((asked.as_str(), asked.chars().count()), ("приготовь мне ужин !", 20));
    // Bytes in plenty for one character more are no reason to take it.
    collector.commit(&key(1));
    collector.collect(&key(1), text(4, "0123456789"), now).unwrap();
    assert_eq!(collector.collect(&key(1), text(5, "abcdefghij"), now), Err(refused));
    collector.collect(&key(1), text(5, "abcdefghi"), now).unwrap();
    assert_eq!(prompt(&collector, 1, "", now), "0123456789 abcdefghi");
}

#[test]
fn what_has_expired_takes_no_room_from_a_known_entry() {
    let (collector, now) = collector();
    collector.collect(&key(1), image(1, 30), now).unwrap();
    let later = now + Duration::from_secs(59);
    collector.collect(&key(2), image(1, 5), later).unwrap();
    assert_eq!(collector.collect(&key(2), image(2, 15), later), Err(Full::Server));
    let expired = now + SETTINGS.ttl;
    collector.collect(&key(2), image(2, 15), expired).unwrap();
    assert_eq!((collector.entries(), collector.bytes()), (1, 15));
    assert_eq!(collector.collect(&key(2), image(3, 41), expired), Err(Full::Server));
    assert_eq!((collector.entries(), collector.bytes()), (1, 15));
}

#[test]
fn debug_shows_nothing_of_what_was_said() {
    let (collector, now) = collector();
    let chunk = text(1, "secret");
    let shown = format!("{chunk:?} {collector:?} {:?}", collector.merge(&key(1), "secret", now));
    assert!(!shown.contains("secret"), "{shown}");
}

#[derive(Debug, Clone)]
enum Operation {
    Collect { key: u8, seq: i32, text: String, image: Option<usize> },
    Commit { key: u8 },
    Wait { seconds: u64 },
    Expire,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0..4_u8, 0..8_i32, "[ab ]{0,9}", prop::option::of(0..20_usize)).prop_map(
            |(key, seq, text, image)| Operation::Collect { key, seq, text, image },
        ),
        1 => (0..4_u8).prop_map(|key| Operation::Commit { key }),
        1 => (0..50_u64).prop_map(|seconds| Operation::Wait { seconds }),
        1 => Just(Operation::Expire),
    ]
}

proptest! {
    #[test]
    fn it_keeps_what_it_accepted_and_stays_bounded(
        operations in prop::collection::vec(operation(), 0..60),
    ) {
        let (collector, mut now) = collector();
        let mut model: BTreeMap<u8, (i32, String, Instant)> = BTreeMap::new();
        for operation in operations {
            model.retain(|_, (_, _, changed)| now - *changed < SETTINGS.ttl);
            match operation {
                Operation::Collect { key: n, seq, text, image } => {
                    let screenshot = image.map(|bytes| vec![0; bytes]);
                    let chunk = Chunk { seq, text: &text, screenshot };
                    let accepted = collector.collect(&key(n), chunk, now).is_ok();
                    let (last, before, _) =
                        model.get(&n).cloned().unwrap_or((i32::MIN, String::new(), now));
                    if accepted && seq > last {
                        model.insert(n, (seq, merge(&before, &text), now));
                    }
                }
                Operation::Commit { key: n } => {
                    collector.commit(&key(n));
                    model.remove(&n);
                }
                Operation::Wait { seconds } => now += Duration::from_secs(seconds),
                Operation::Expire => collector.expire(now),
            }
            model.retain(|_, (_, _, changed)| now - *changed < SETTINGS.ttl);
            for n in 0..4 {
                let kept = model.get(&n).map_or("", |(_, text, _)| text.as_str());
                prop_assert_eq!(prompt(&collector, n, "", now), kept);
            }
            prop_assert!(collector.entries() <= SETTINGS.max_entries);
            prop_assert!(collector.bytes() <= SETTINGS.max_total_bytes);
            let buffers = collector.lock();
            prop_assert_eq!(buffers.bytes, buffers.entries.values().map(Entry::bytes).sum::<usize>());
        }
    }
}
