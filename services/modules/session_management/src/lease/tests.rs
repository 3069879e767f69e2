use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SINGLE: LeaseSettings = LeaseSettings { one_session_per_device: true };

fn session(n: u8) -> SessionId {
    SessionId::parse(&format!("00000000-0000-4000-8000-0000000000{n:02x}")).unwrap()
}

fn device(n: u8) -> HardwareId {
    HardwareId::parse(&format!("device-{n}")).unwrap()
}

#[test]
fn a_second_turn_of_a_session_is_refused_and_the_first_runs_on() {
    let registry = Registry::new(LeaseSettings::default());
    let lease = registry.acquire(&session(1), &device(1), TurnNumber(1)).unwrap();
    let refused = registry.acquire(&session(1), &device(2), TurnNumber(2)).unwrap_err();
    assert_eq!((refused, refused.error_type()), (Busy::Session, ErrorType::SessionBusy));
    assert_eq!(
        (registry.running(), lease.turn(), lease.session()),
        (1, TurnNumber(1), &session(1))
    );
    drop(lease);
    assert_eq!(registry.running(), 0);
    let _again = registry.acquire(&session(1), &device(1), TurnNumber(3)).unwrap();
}

#[test]
fn a_device_runs_one_session_where_that_is_asked_for() {
    let registry = Registry::new(SINGLE);
    let lease = registry.acquire(&session(1), &device(1), TurnNumber(1)).unwrap();
    let refused = registry.acquire(&session(2), &device(1), TurnNumber(2)).unwrap_err();
    assert_eq!((refused, refused.error_type()), (Busy::Device, ErrorType::SessionBusy));
    let _other = registry.acquire(&session(2), &device(2), TurnNumber(3)).unwrap();
    drop(lease);
    let _next = registry.acquire(&session(3), &device(1), TurnNumber(4)).unwrap();
}

#[test]
fn a_lease_ends_also_when_its_turn_panics() {
    let registry = Registry::default();
    let clone = registry.clone();
    let turn = std::thread::spawn(move || {
        let _lease = clone.acquire(&session(1), &device(1), TurnNumber(1)).unwrap();
        panic!("the turn fails");
    });
    assert!(turn.join().is_err());
    assert_eq!(registry.running(), 0);
}

#[test]
fn the_end_of_an_old_turn_does_not_end_a_new_one() {
    let mut sessions = Sessions::default();
    sessions.start(&session(1), &device(1), TurnNumber(1)).unwrap();
    sessions.end(&session(1), TurnNumber(1));
    sessions.start(&session(1), &device(1), TurnNumber(2)).unwrap();
    sessions.end(&session(1), TurnNumber(1));
    assert_eq!(sessions.running(), 1);
}

#[test]
fn debug_does_not_show_the_device() {
    let registry = Registry::default();
    let lease = registry.acquire(&session(1), &device(1), TurnNumber(1)).unwrap();
    assert!(!format!("{lease:?}").contains("device-1"));
}

#[derive(Debug, Clone)]
enum Operation {
    Acquire { session: u8, device: u8 },
    Drop { nth: usize },
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (0..4_u8, 0..3_u8).prop_map(|(session, device)| Operation::Acquire { session, device }),
        (0..4_usize).prop_map(|nth| Operation::Drop { nth }),
    ]
}

proptest! {
    #[test]
    fn it_behaves_like_a_list_of_pairs(
        one_session_per_device in any::<bool>(),
        operations in prop::collection::vec(operation(), 0..60),
    ) {
        let registry = Registry::new(LeaseSettings { one_session_per_device });
        let mut leases: Vec<Lease> = Vec::new();
        let mut model: BTreeMap<u8, u8> = BTreeMap::new();
        let mut order: Vec<u8> = Vec::new();
        for (operation, turn) in operations.into_iter().zip(0..) {
            match operation {
                Operation::Acquire { session: s, device: d } => {
                    let expected = if model.contains_key(&s) {
                        Some(Busy::Session)
                    } else if one_session_per_device && model.values().any(|other| *other == d) {
                        Some(Busy::Device)
                    } else {
                        None
                    };
                    let lease = registry.acquire(&session(s), &device(d), TurnNumber(turn));
                    prop_assert_eq!(lease.as_ref().err().copied(), expected);
                    if let Ok(lease) = lease {
                        leases.push(lease);
                        model.insert(s, d);
                        order.push(s);
                    }
                }
                Operation::Drop { nth } if nth < leases.len() => {
                    drop(leases.remove(nth));
                    model.remove(&order.remove(nth));
                }
                Operation::Drop { .. } => {}
            }
            prop_assert_eq!(registry.running(), model.len());
        }
        leases.clear();
        let sessions = registry.lock();
        prop_assert!(sessions.running.is_empty() && sessions.devices.is_empty());
    }
}
