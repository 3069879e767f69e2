//! What every certificate that is made here has in common.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use jiff::{Timestamp, ToSpan as _, Zoned, tz::TimeZone};
use rcgen::CertificateParams;
use rustls::pki_types::UnixTime;

/// Makes it valid for so many days, with the day before for clocks that are
/// behind.
pub(crate) fn limit(
    params: &mut CertificateParams,
    now: Timestamp,
    days: i64,
) -> anyhow::Result<()> {
    let today = now.to_zoned(TimeZone::UTC);
    let (year, month, day) = date(&today.checked_sub(1.day())?)?;
    params.not_before = rcgen::date_time_ymd(year, month, day);
    let (year, month, day) = date(&today.checked_add(days.days())?)?;
    params.not_after = rcgen::date_time_ymd(year, month, day);
    Ok(())
}

fn date(day: &Zoned) -> anyhow::Result<(i32, u8, u8)> {
    Ok((day.year().into(), u8::try_from(day.month())?, u8::try_from(day.day())?))
}

/// As verifiers take it.
pub(crate) fn unix_time(at: Timestamp) -> anyhow::Result<UnixTime> {
    let since = Duration::try_from(at.duration_since(Timestamp::UNIX_EPOCH))?;
    Ok(UnixTime::since_unix_epoch(since))
}

/// Replaces a file whole, with these permissions from its first byte on.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let new = path.with_extension("pem.new");
    let writing = || -> std::io::Result<()> {
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&new)?;
        // A left-over of an earlier try keeps its own permissions.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    ensure!(!text.is_empty(), "write {}: nothing to write", path.display());
    writing().with_context(|| format!("write {}", path.display()))
}
