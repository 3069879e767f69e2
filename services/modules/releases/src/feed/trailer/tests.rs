use super::{content, sign, verify};
use crate::{SecretKey, Trusted};

const FEED: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss/>\n";

fn key() -> SecretKey {
    SecretKey::from_seed(&[5; 32])
}

fn trusted() -> Trusted {
    key().public().unwrap().into()
}

#[test]
fn a_signed_feed_verifies_and_is_what_it_was() {
    let signed = sign(FEED, &key());
    assert!(signed.ends_with(&format!("\nlength: {}\n-->\n", FEED.len())));
    assert_eq!(content(&signed), FEED);
    verify(&signed, &trusted()).unwrap();
    roxmltree::Document::parse(&signed).unwrap();
    // A feed that quotes such a comment is still read from behind.
    let twice = sign(&signed, &key());
    assert_eq!(content(&twice), signed);
    verify(&twice, &trusted()).unwrap();
}

#[test]
fn refuses_what_a_client_would_refuse() {
    let public = trusted();
    let signed = sign(FEED, &key());
    let other = sign(FEED, &SecretKey::from_seed(&[6; 32]));
    let check = |feed: &str, reason: &str| {
        let problem = verify(feed, &public).unwrap_err();
        assert!(problem.reason.contains(reason), "{problem}");
    };
    check(FEED, "is not signed");
    check(&other, "does not verify");
    check(&signed.replacen("<rss/>", "<rsx/>", 1), "does not verify");
    check(&signed.replace('\n', "\r\n"), "is not signed");
    check(&signed.replace("-->", ""), "is not signed");
    check(&signed.replace("edSignature: ", "edSignature: x"), "base64");
    check(&signed.replace("edSignature:", "signature:"), "no edSignature");
    check(&signed.replace("length: ", "length: 9"), "as long as");
    check(&format!(" {signed}"), "as long as");
}
