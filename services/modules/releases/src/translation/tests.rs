use super::Language;

#[test]
fn names_of_languages_have_a_shape() {
    for good in ["de", "pt-BR", "zh-Hans", "zh-Hans-CN", "fil"] {
        assert_eq!(Language::parse(good).unwrap().as_str(), good);
    }
    for bad in ["", "d", "DE", "deutsch", "de-", "-de", "de_DE", "de-D\"", "de-123456789", "de DE"]
    {
        assert!(Language::parse(bad).is_err(), "{bad:?} was taken");
    }
}
