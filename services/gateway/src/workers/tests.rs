use super::*;

fn module(state: &str) -> ModuleStatus {
    ModuleStatus { name: "m".into(), state: state.into(), reason: String::new() }
}

#[test]
fn a_worker_is_as_well_as_its_modules() {
    assert_eq!(overall(&[]), "init");
    assert_eq!(overall(&[module("ready"), module("ready")]), "ready");
    assert_eq!(overall(&[module("ready"), module("degraded")]), "degraded");
    assert_eq!(overall(&[module("ready"), module("down")]), "degraded");
}

#[test]
fn two_places_are_never_the_same_and_every_pair_comes() {
    for count in 2..6 {
        let mut seen = std::collections::BTreeSet::new();
        for first in 0..count {
            for second in 0..count - 1 {
                let mut answers = [first, second].into_iter();
                let pair = two_of(count, &mut |_| answers.next().unwrap());
                assert!(pair[0] != pair[1] && pair.iter().all(|place| *place < count));
                seen.insert(pair);
            }
        }
        assert_eq!(seen.len(), count * (count - 1));
    }
    assert_eq!(two_of(1, &mut |_| 7), [0]);
    assert!(two_of(0, &mut |_| 7).is_empty());
}
