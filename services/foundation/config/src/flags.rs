use nexy_types::HardwareId;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;

use crate::settings::{Features, KillSwitches};

/// Something that is on, off, or on for a share of the devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Feature {
    /// On or off for everybody.
    Switch(bool),
    /// On for a share of the devices.
    Ramp {
        /// The share, 0 to 100.
        percent: u8,
    },
}

/// The flags at one moment. Take one snapshot per turn, so that a turn is not
/// half the one and half the other.
///
/// Without a device, a feature in the middle of a ramp counts as off; see
/// [`Flags::on_device`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// What can be ramped up.
    pub features: Features,
    /// What can be turned off at once. Wins over the features.
    pub kill_switches: KillSwitches,
}

/// The value of a feature or of a kill switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagValue {
    /// On or off.
    Switch(bool),
    /// On for this share of the devices, 0 to 100.
    Percent(u8),
}

/// Why a flag is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlagRefused {
    /// There is no flag of that name.
    Unknown,
    /// A kill switch is on or off, and not ramped.
    NotRamped,
}

/// The place of a flag.
enum Slot<'a> {
    Feature(&'a mut Feature),
    KillSwitch(&'a mut bool),
}

// === impl Feature ===

impl Feature {
    /// Whether it is on for a device.
    ///
    /// Sticky: a device has a fixed place from 0 to 99, the FNV-1a hash (64 bits,
    /// <http://www.isthe.com/chongo/tech/comp/fnv/>) of its id modulo 100, and a
    /// ramp takes the places below its percentage. So a device that is in at 25 %
    /// is in at 50 % as well, on every replica and after every restart.
    #[must_use]
    pub fn enabled_for(self, device: &HardwareId) -> bool {
        match self {
            Self::Switch(on) => on,
            Self::Ramp { percent } => fnv1a(device.as_str().as_bytes()) % 100 < u64::from(percent),
        }
    }

    /// Whether it is on for every device.
    #[must_use]
    pub fn enabled_for_all(self) -> bool {
        matches!(self, Self::Switch(true) | Self::Ramp { percent: 100.. })
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

impl From<FlagValue> for Feature {
    fn from(value: FlagValue) -> Self {
        match value {
            FlagValue::Switch(on) => Self::Switch(on),
            FlagValue::Percent(percent) => Self::Ramp { percent },
        }
    }
}

impl From<Feature> for FlagValue {
    fn from(feature: Feature) -> Self {
        match feature {
            Feature::Switch(on) => Self::Switch(on),
            Feature::Ramp { percent } => Self::Percent(percent),
        }
    }
}

// === impl Flags ===

impl Flags {
    /// Whether new turns are answered; off means UNAVAILABLE.
    #[must_use]
    pub fn answering_enabled(&self) -> bool {
        self.features.use_module_coordinator.enabled_for_all()
            && !self.kill_switches.disable_module_coordinator
    }

    /// Whether memory and actions take part in a turn.
    #[must_use]
    pub fn workflow_integrations(&self) -> bool {
        self.features.use_workflow_integrations.enabled_for_all()
            && !self.kill_switches.disable_workflow_integrations
    }

    /// Whether the next provider takes over when one fails; off uses only the
    /// first of each list.
    #[must_use]
    pub fn fail_over(&self) -> bool {
        self.features.use_fallback_manager.enabled_for_all()
    }

    /// Whether actions are sent to a device.
    #[must_use]
    pub fn forward_actions(&self, device: &HardwareId) -> bool {
        self.features.forward_assistant_actions.enabled_for(device)
            && !self.kill_switches.disable_forward_assistant_actions
    }

    /// The flags of one device: every ramp decided for it.
    #[must_use]
    pub fn on_device(mut self, device: &HardwareId) -> Self {
        let Features {
            use_module_coordinator,
            use_workflow_integrations,
            use_fallback_manager,
            forward_assistant_actions,
        } = &mut self.features;
        for feature in [
            use_module_coordinator,
            use_workflow_integrations,
            use_fallback_manager,
            forward_assistant_actions,
        ] {
            *feature = Feature::Switch(feature.enabled_for(device));
        }
        self
    }

    /// Every flag by its key, features first: for `/status` and for messages.
    #[must_use]
    pub fn entries(&self) -> [(&'static str, FlagValue); 7] {
        let Features {
            use_module_coordinator,
            use_workflow_integrations,
            use_fallback_manager,
            forward_assistant_actions,
        } = self.features;
        let KillSwitches {
            disable_module_coordinator,
            disable_workflow_integrations,
            disable_forward_assistant_actions,
        } = self.kill_switches;
        let switch = FlagValue::Switch;
        [
            ("features.use_module_coordinator", use_module_coordinator.into()),
            ("features.use_workflow_integrations", use_workflow_integrations.into()),
            ("features.use_fallback_manager", use_fallback_manager.into()),
            ("features.forward_assistant_actions", forward_assistant_actions.into()),
            ("kill_switches.disable_module_coordinator", switch(disable_module_coordinator)),
            ("kill_switches.disable_workflow_integrations", switch(disable_workflow_integrations)),
            (
                "kill_switches.disable_forward_assistant_actions",
                switch(disable_forward_assistant_actions),
            ),
        ]
    }

    /// The same flags with another value of one, named by its key.
    pub(crate) fn with(mut self, name: &str, value: FlagValue) -> Result<Self, FlagRefused> {
        match (self.slot(name).ok_or(FlagRefused::Unknown)?, value) {
            (Slot::Feature(feature), value) => *feature = value.into(),
            (Slot::KillSwitch(switch), FlagValue::Switch(on)) => *switch = on,
            (Slot::KillSwitch(_), FlagValue::Percent(_)) => return Err(FlagRefused::NotRamped),
        }
        Ok(self)
    }

    fn slot(&mut self, name: &str) -> Option<Slot<'_>> {
        let Self { features, kill_switches } = self;
        Some(match name {
            "features.use_module_coordinator" => {
                Slot::Feature(&mut features.use_module_coordinator)
            }
            "features.use_workflow_integrations" => {
                Slot::Feature(&mut features.use_workflow_integrations)
            }
            "features.use_fallback_manager" => Slot::Feature(&mut features.use_fallback_manager),
            "features.forward_assistant_actions" => {
                Slot::Feature(&mut features.forward_assistant_actions)
            }
            "kill_switches.disable_module_coordinator" => {
                Slot::KillSwitch(&mut kill_switches.disable_module_coordinator)
            }
            "kill_switches.disable_workflow_integrations" => {
                Slot::KillSwitch(&mut kill_switches.disable_workflow_integrations)
            }
            "kill_switches.disable_forward_assistant_actions" => {
                Slot::KillSwitch(&mut kill_switches.disable_forward_assistant_actions)
            }
            _ => return None,
        })
    }

    /// Whether a feature, named by its key, is on for a device; `None` when no
    /// feature has that key.
    #[must_use]
    pub fn feature_enabled(&self, key: &str, device: &HardwareId) -> Option<bool> {
        let is_feature = key.starts_with("features.");
        let (_, value) = self.entries().into_iter().find(|(name, _)| is_feature && *name == key)?;
        Some(match value {
            FlagValue::Switch(on) => on,
            FlagValue::Percent(percent) => Feature::Ramp { percent }.enabled_for(device),
        })
    }
}

// === impl FlagValue ===

impl FlagValue {
    /// `true`, `false` or `{"percent": 25}`; `None` for anything else.
    #[must_use]
    pub fn from_json(json: &Value) -> Option<Self> {
        match json {
            Value::Bool(on) => Some(Self::Switch(*on)),
            Value::Object(members) if members.len() == 1 => {
                let percent = u8::try_from(members.get("percent")?.as_u64()?).ok()?;
                (percent <= 100).then_some(Self::Percent(percent))
            }
            _ => None,
        }
    }
}

/// What [`FlagValue::from_json`] reads.
impl Serialize for FlagValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Switch(on) => serializer.serialize_bool(*on),
            Self::Percent(percent) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("percent", percent)?;
                map.end()
            }
        }
    }
}

/// `true`, `false` or `25%`: a spelling that `--set` and variables read back.
impl std::fmt::Display for FlagValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Switch(on) => write!(f, "{on}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests;
