use nexy_types::HardwareId;

use super::{Feature, Flags, fnv1a};
use crate::{Settings, Sources};

fn flags(variables: &[(&str, &str)]) -> Flags {
    let (settings, _) =
        Settings::load(&Sources::for_tests(variables.iter().copied())).expect("loads");
    settings.flags()
}

fn devices() -> impl Iterator<Item = HardwareId> {
    (0..10_000).map(|n| HardwareId::parse(&format!("device-{n}")).expect("an id"))
}

#[test]
fn hashes_as_the_published_function_does() {
    assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
}

#[test]
fn a_ramp_takes_its_share_and_keeps_who_was_in() {
    let ramp = |percent| Feature::Ramp { percent };
    for percent in [0_u8, 1, 25, 50, 100] {
        let share = devices().filter(|device| ramp(percent).enabled_for(device)).count();
        let expected = usize::from(percent) * 100;
        assert!(share.abs_diff(expected) <= 150, "{percent} %: {share} of 10000");
    }
    for device in devices().filter(|device| ramp(25).enabled_for(device)) {
        assert!(ramp(50).enabled_for(&device));
    }
}

#[test]
fn kill_switches_win_over_features() {
    let device = devices().next().expect("one");
    let on = flags(&[("FORWARD_ASSISTANT_ACTIONS", "true")]);
    assert!(on.answering_enabled() && on.workflow_integrations() && on.fail_over());
    assert!(on.forward_actions(&device));

    let off = flags(&[
        ("FORWARD_ASSISTANT_ACTIONS", "true"),
        ("NEXY_KS_DISABLE_MODULE_COORDINATOR", "1"),
        ("NEXY_KS_DISABLE_WORKFLOW_INTEGRATIONS", "1"),
        ("NEXY_KS_DISABLE_FORWARD_ASSISTANT_ACTIONS", "1"),
    ]);
    assert!(!off.answering_enabled() && !off.workflow_integrations());
    assert!(!off.forward_actions(&device));
}

#[test]
fn features_alone_turn_things_off() {
    let off = flags(&[
        ("USE_MODULE_COORDINATOR", "false"),
        ("USE_WORKFLOW_INTEGRATIONS", "off"),
        ("USE_FALLBACK_MANAGER", "0"),
    ]);
    assert!(!off.answering_enabled() && !off.workflow_integrations() && !off.fail_over());
}

#[test]
fn a_ramp_is_decided_per_device_and_off_without_one() {
    let ramp = flags(&[("USE_WORKFLOW_INTEGRATIONS", "25%")]);
    assert!(!ramp.workflow_integrations());
    let share = devices().filter(|d| ramp.on_device(d).workflow_integrations()).count();
    assert!((2350..2650).contains(&share), "{share}");
    assert!(flags(&[("USE_WORKFLOW_INTEGRATIONS", "100%")]).workflow_integrations());
}

#[test]
fn entries_are_spelled_as_they_are_read() {
    let entries = flags(&[("USE_FALLBACK_MANAGER", "25%")]).entries();
    let text = entries.map(|(name, value)| format!("{name}={value}")).join("\n");
    insta::assert_snapshot!(text, @"
    features.use_module_coordinator=true
    features.use_workflow_integrations=true
    features.use_fallback_manager=25%
    features.forward_assistant_actions=false
    kill_switches.disable_module_coordinator=false
    kill_switches.disable_workflow_integrations=false
    kill_switches.disable_forward_assistant_actions=false
    ");
}
