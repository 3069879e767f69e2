use std::{fs, io, path::Path};

use nexy_releases::{Channel, Plan};
use tempfile::TempDir;

use super::{Transaction, UNFINISHED, Watch, replace};
use crate::{
    release::{
        audit::{Entry, Log, WhoArgs},
        place::Place,
        tests::{Shop, manifest},
    },
    screen::{Look, Screen},
};

/// Breaks off after so many points, and remembers how many there were.
struct BreakOff {
    after: usize,
    points: Vec<String>,
}

impl Watch for BreakOff {
    fn reach(&mut self, point: &str) -> io::Result<()> {
        self.points.push(point.to_owned());
        if self.points.len() > self.after { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

fn attempt(shop: &Shop, after: usize) -> (io::Result<()>, Vec<String>) {
    let place = shop.place();
    let release = shop.make("2.0.0.33");
    let plan = Plan::parse(manifest(&release).to_string().as_bytes()).unwrap();
    let who = WhoArgs { by: "me".to_owned(), reason: "new".to_owned() };
    let transaction = Transaction {
        copies: vec![shop.dist().join(&release.name)],
        manifest: place.manifest_path(Channel::Beta),
        text: plan.to_json().unwrap(),
        entry: Entry::new(&who, "publish", Channel::Beta, &plan.release),
    };
    let mut watch = BreakOff { after, points: Vec::new() };
    let mut screen = Screen::new(io::sink(), Look::Piped);
    let result = transaction.run(&place, &mut watch, &mut screen);
    (result, watch.points)
}

/// Everything that is under a name which the server serves is whole.
fn assert_whole(place: &Place, shop: &Shop) -> Option<String> {
    for entry in fs::read_dir(&place.downloads).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with('.') {
            assert_eq!(fs::read(&path).unwrap(), fs::read(shop.dist().join(&name)).unwrap());
        }
    }
    let text = fs::read(place.manifest_path(Channel::Beta)).ok()?;
    let plan = Plan::parse(&text).unwrap();
    for claim in plan.claims() {
        assert!(place.downloads.join(claim.file_name.as_str()).is_file(), "{}", claim.file_name);
    }
    Some(plan.release.build.to_string())
}

#[test]
fn interrupted_at_any_point_the_old_or_the_new_release_is_whole() {
    let points = attempt(&Shop::with_beta("2.0.0.32"), usize::MAX).1;
    assert!(points.len() >= 12, "{points:?}");
    for after in 0..points.len() {
        let shop = Shop::with_beta("2.0.0.32");
        let (result, reached) = attempt(&shop, after);
        assert!(result.is_err());
        assert_eq!(reached.len(), after + 1);
        let is_in_place = points[..=after].iter().any(|point| point.contains("is in its place"))
            && points[..=after].contains(&"the manifest is in its place".to_owned());
        let expected = if is_in_place { "2.0.0.33" } else { "2.0.0.32" };
        assert_eq!(assert_whole(&shop.place(), &shop).as_deref(), Some(expected), "{after}");
        // And it can be done again.
        attempt(&shop, usize::MAX).0.unwrap();
        assert_eq!(assert_whole(&shop.place(), &shop).as_deref(), Some("2.0.0.33"));
        assert_eq!(leftovers(&shop.place().downloads) + leftovers(&shop.place().manifests), 0);
        let log = Log::read(&shop.place().audit_path()).unwrap();
        assert_eq!(log.broken, [] as [usize; 0]);
    }
}

fn leftovers(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with(UNFINISHED)).count()
}

#[test]
fn replacing_a_file_leaves_nothing_beside_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.json");
    for text in ["one", "another"] {
        replace(&path, text.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
