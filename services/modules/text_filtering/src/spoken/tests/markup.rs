use super::english;

const ENGLISH: &[(&str, &str)] = &[
    ("# Title\n\nText", "Title. Text"),
    ("- one\n- two\n  - nested\n* three", "one. two. nested. three"),
    ("1. First\n2. Second", "1. First. 2. Second"),
    ("- [x] Buy milk\n- [ ] Buy eggs", "done: Buy milk. not done: Buy eggs"),
    ("| Plan | Free | Pro |\n|---|:-:|---|\n| Sync | ❌ | ✅ |", "Plan, Free, Pro. Sync, no, yes"),
    ("Rating: ★★★★☆", "Rating: 4 out of 5"),
    ("⭐⭐⭐⭐⭐ by all", "5 stars by all"),
    ("⭐ Tip", "Tip"),
    ("Paris is the capital[1].", "Paris is the capital."),
    ("As shown.[2][3] Next", "As shown. Next"),
    ("Then arr[1] = 2 and arr[0].", "Then arr[1] = 2 and arr[0]."),
    ("[1] is the first source.", "[1] is the first source."),
    (
        "Tom &amp; Jerry &lt;3 &#39;hi&#39; &nbsp;ok &unknown;",
        "Tom and Jerry less than 3 'hi' ok &unknown;",
    ),
    ("<b>Bold</b><br>next <i class=\"x\">line</i>", "Bold next line"),
    ("Water is H<sub>2</sub>O.", "Water is H2O."),
    ("If a <b and b> c.", "If a <b and b> c."),
    ("x^2 + y^2 = z^2", "x squared + y squared = z squared"),
    (
        "It is 10^6, 2^{10} or 10^-3.",
        "It is 10 to the power of 6, 2 to the power of 10 or 10 to the power of minus 3.",
    ),
    ("Cl⁻ or 0⁻ or 2⁻⁻ or x^{-}.", "Cl⁻ or 0⁻ or 2⁻⁻ or x^{-}."),
    ("It is 10⁻⁶ or x² or r³.", "It is 10 to the power of minus 6 or x squared or r cubed."),
    ("So $E = mc^2$ holds.", "So E = mc squared holds."),
    (
        "So \\(\\frac{a}{b}\\) and \\(x \\times y \\leq 5\\).",
        "So a over b and x times y at most 5.",
    ),
    ("$$\\sqrt{2} \\approx 1.41$$", "square root of 2 about 1.41"),
    ("Done! 🎉 ❤️ 👩‍👩‍👧 🇩🇪 👍🏽", "Done!"),
    ("1️⃣ One, 2️⃣ two", "1 One, 2 two"),
    ("⚠️ Save first.", "Save first."),
    ("What?! No way… \"Yes,\" she said (quietly).", "What?! No way… \"Yes,\" she said (quietly)."),
    ("5 − 3 and a ≠ b, √2, ∞.", "5 minus 3 and a is not b, square root of 2, infinity."),
    ("> quoted **bold** and ~~old~~", "quoted bold and old"),
    ("```swift\nlet a = 1\n```", "let a = 1"),
    ("[the docs](https://example.com/x_y)", "the docs"),
];

#[test]
fn markup_is_heard_as_its_words_in_english() {
    for (text, expected) in ENGLISH {
        english(text, expected);
    }
}
