use nexy_types::Language;

/// What signs and abbreviations are called in one language.
pub(crate) struct Words {
    /// With its blank.
    pub(crate) link_to: &'static str,
    /// The `@` of an address.
    pub(crate) at: &'static str,
    pub(crate) number: &'static str,
    pub(crate) version: &'static str,
    /// The stop between the parts of a version.
    pub(crate) point: &'static str,
    pub(crate) minus: &'static str,
    pub(crate) plus: &'static str,
    pub(crate) about: &'static str,
    pub(crate) celsius: &'static str,
    pub(crate) fahrenheit: &'static str,
    pub(crate) degrees: Forms,
    currencies: &'static [(&'static str, Forms)],
    /// What may stand between a number and its currency, without a stop.
    scales: &'static [&'static str],
    symbols: &'static [(&'static str, &'static str)],
    /// Lower case; what is said; where it is said so.
    pub(crate) abbreviations: &'static [(&'static str, &'static str, Place)],
    plural: fn(&str) -> usize,
}

/// A noun after 1, after 2 and after 5.
pub(crate) type Forms = [&'static str; 3];

/// Where an abbreviation is what it seems.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    BeforeName,
    BeforeNumber,
    Inside,
    /// Often the last word of a sentence.
    Last,
}

// === impl Words ===

impl Words {
    /// The words of a language, if it has any here.
    pub(crate) fn of(language: &Language) -> Option<&'static Self> {
        match language.primary().to_ascii_lowercase().as_str() {
            "en" => Some(&ENGLISH),
            "ru" => Some(&RUSSIAN),
            _ => None,
        }
    }

    /// What a sign that stands alone is called.
    pub(crate) fn symbol(&self, symbol: &str) -> Option<&'static str> {
        self.symbols.iter().find(|(written, _)| *written == symbol).map(|(_, said)| *said)
    }

    /// The currency that a sign stands for.
    pub(crate) fn currency(&self, sign: &str) -> Option<Forms> {
        self.currencies.iter().find(|(written, _)| *written == sign).map(|(_, forms)| *forms)
    }

    pub(crate) fn is_scale(&self, word: &str) -> bool {
        self.scales.contains(&word.to_lowercase().as_str())
    }

    /// The form of a noun after a number as written, e.g. `5,5`.
    pub(crate) fn plural(&self, number: &str, forms: Forms) -> &'static str {
        forms[(self.plural)(number).min(2)]
    }
}

const ENGLISH: Words = Words {
    link_to: "link to ",
    at: "at",
    number: "number",
    version: "version",
    point: "point",
    minus: "minus",
    plus: "plus",
    about: "about",
    celsius: "Celsius",
    fahrenheit: "Fahrenheit",
    degrees: ["degree", "degrees", "degrees"],
    currencies: &[
        ("$", ["dollar", "dollars", "dollars"]),
        ("€", ["euro", "euros", "euros"]),
        ("£", ["pound", "pounds", "pounds"]),
        ("¥", ["yen", "yen", "yen"]),
        ("₽", ["ruble", "rubles", "rubles"]),
        ("₴", ["hryvnia", "hryvnias", "hryvnias"]),
        ("₹", ["rupee", "rupees", "rupees"]),
    ],
    scales: &["thousand", "million", "billion", "trillion"],
    symbols: &[
        ("&", "and"),
        ("№", "number"),
        ("×", "times"),
        ("÷", "divided by"),
        ("±", "plus or minus"),
        ("≈", "about"),
        ("≤", "at most"),
        ("≥", "at least"),
    ],
    abbreviations: &[
        ("dr.", "Doctor", Place::BeforeName),
        ("mr.", "Mister", Place::BeforeName),
        ("prof.", "Professor", Place::BeforeName),
        ("no.", "number", Place::BeforeNumber),
        ("e.g.", "for example", Place::Inside),
        ("i.e.", "that is", Place::Inside),
        ("vs.", "versus", Place::Inside),
        ("approx.", "approximately", Place::Inside),
        ("etc.", "et cetera", Place::Last),
    ],
    plural: |number| usize::from(number != "1"),
};

const RUSSIAN: Words = Words {
    link_to: "ссылка на ",
    at: "собака",
    number: "номер",
    version: "версия",
    point: "точка",
    minus: "минус",
    plus: "плюс",
    about: "около",
    celsius: "Цельсия",
    fahrenheit: "Фаренгейта",
    degrees: ["градус", "градуса", "градусов"],
    currencies: &[
        ("$", ["доллар", "доллара", "долларов"]),
        ("€", ["евро", "евро", "евро"]),
        ("£", ["фунт", "фунта", "фунтов"]),
        ("¥", ["иена", "иены", "иен"]),
        ("₽", ["рубль", "рубля", "рублей"]),
        ("руб", ["рубль", "рубля", "рублей"]),
        ("₴", ["гривна", "гривны", "гривен"]),
        ("₹", ["рупия", "рупии", "рупий"]),
    ],
    scales: &["тыс", "млн", "млрд", "трлн", "тысяч", "миллионов", "миллиона", "миллиардов"],
    symbols: &[
        ("&", "и"),
        ("№", "номер"),
        ("×", "умножить на"),
        ("÷", "разделить на"),
        ("±", "плюс-минус"),
        ("≈", "около"),
        ("≤", "не больше"),
        ("≥", "не меньше"),
    ],
    abbreviations: &[
        ("т.е.", "то есть", Place::Inside),
        ("т.к.", "так как", Place::Inside),
        ("напр.", "например", Place::Inside),
        ("т.д.", "так далее", Place::Last),
        ("т.п.", "тому подобное", Place::Last),
    ],
    plural: russian_plural,
};

/// 1 градус, 2 градуса, 5 градусов, 5,5 градуса, 11 градусов, 1 000 градусов.
fn russian_plural(number: &str) -> usize {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let is_fraction = number.split(['.', ',']).skip(1).any(|group| group.len() != 3);
    let (tens, ones) = match digits.as_bytes() {
        [.., tens, ones] => (*tens, *ones),
        [ones] => (b'0', *ones),
        [] => (b'0', b'0'),
    };
    match ones {
        _ if is_fraction => 1,
        _ if tens == b'1' => 2,
        b'1' => 0,
        b'2'..=b'4' => 1,
        _ => 2,
    }
}
