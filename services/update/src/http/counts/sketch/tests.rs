use super::Sketch;

#[test]
fn counts_each_name_once_and_about_right() {
    let mut sketch = Sketch::default();
    for expected in [10_u32, 1_000, 50_000] {
        let mut last = 0;
        for _ in 0..2 {
            for name in 0..expected {
                last = sketch.see(&format!("install-{name}"));
            }
        }
        let expected = i64::from(expected);
        assert!((last - expected).abs() <= 2 + expected / 50, "{last} instead of {expected}");
    }
}
