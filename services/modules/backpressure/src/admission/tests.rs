use super::*;

#[test]
fn admits_up_to_the_limit_and_again_after_a_drop() {
    let admission = Admission::new(2);
    let first = admission.try_admit().unwrap();
    let _second = admission.try_admit().unwrap();
    assert_eq!(admission.try_admit().unwrap_err(), Refused { limit: 2 });
    drop(first);
    let _third = admission.try_admit().unwrap();
    assert_eq!(admission.active(), 2);
}

#[test]
fn never_exceeds_the_limit_under_contention() {
    let admission = Admission::new(3);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    if let Ok(_permit) = admission.try_admit() {
                        assert!(admission.active() <= 3);
                    }
                }
            });
        }
    });
    assert_eq!(admission.active(), 0);
}
