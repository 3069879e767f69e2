use std::{fs, os::unix::fs::symlink};

use nexy_releases::FileName;

use super::{list, open};
use crate::fixture::Folders;

fn name(text: &str) -> FileName {
    FileName::parse(text).unwrap()
}

#[test]
fn opens_regular_files_of_the_folder_only() {
    let folders = Folders::new();
    let folder = folders.download("");
    fs::write(folders.root().join("secret.txt"), "secret").unwrap();
    fs::write(folders.download("a.dmg"), "bytes").unwrap();
    fs::write(folders.download(".hidden"), "hidden").unwrap();
    fs::create_dir(folders.download("folder.dmg")).unwrap();
    fs::write(folders.download("folder.dmg/b.dmg"), "below").unwrap();
    symlink("a.dmg", folders.download("latest.dmg")).unwrap();
    symlink("../secret.txt", folders.download("out.dmg")).unwrap();
    symlink("/etc/passwd", folders.download("passwd.dmg")).unwrap();
    symlink(".hidden", folders.download("hidden.dmg")).unwrap();
    symlink("folder.dmg/b.dmg", folders.download("below.dmg")).unwrap();
    symlink("missing", folders.download("dangling.dmg")).unwrap();
    symlink("loop.dmg", folders.download("loop.dmg")).unwrap();

    let (_, file) = open(&folder, &name("a.dmg")).unwrap();
    assert_eq!(file.fingerprint.length, 5);
    let (_, latest) = open(&folder, &name("latest.dmg")).unwrap();
    assert_eq!(latest, file);
    for other in [
        "folder.dmg",
        "out.dmg",
        "passwd.dmg",
        "hidden.dmg",
        "below.dmg",
        "dangling.dmg",
        "loop.dmg",
        "missing.dmg",
    ] {
        assert!(open(&folder, &name(other)).is_err(), "{other} was opened");
    }
    let names = list(&folder).unwrap().into_keys().collect::<Vec<_>>();
    assert_eq!(names, [name("a.dmg"), name("latest.dmg")]);
}

#[test]
fn a_changed_file_has_another_fingerprint() {
    let folders = Folders::new();
    let path = folders.download("a.dmg");
    let look = || list(&folders.download("")).unwrap().remove(&name("a.dmg")).unwrap();
    fs::write(&path, "bytes").unwrap();
    let before = look();
    assert_eq!(look(), before);
    // The same length and the same moment, but another file.
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(folders.root().join("new"), "BYTES").unwrap();
    fs::rename(folders.root().join("new"), &path).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert_ne!(look(), before);
}
