use super::*;

#[test]
fn abbreviations_can_be_looked_up() {
    for list in [BEFORE_A_WORD, ANYWHERE] {
        assert!(list.is_sorted());
        for word in list {
            assert!(word.len() <= ABBREVIATION_MAX_BYTES, "{word}");
            assert_eq!(*word, word.to_lowercase());
        }
    }
}
