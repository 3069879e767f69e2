use super::{Currency, Forms, Place, Words};
use crate::spoken::{
    Spot,
    ordinal::{self, Ending},
    roman,
};

pub(super) const WORDS: Words = Words {
    link_to: "ссылка на ",
    at: "собака",
    dot: "точка",
    dash: "дефис",
    underscore: "подчёркивание",
    number: "номер",
    version: "версия",
    point: "точка",
    minus: "минус",
    plus: "плюс",
    about: "около",
    // "пять-десять минут".
    to: None,
    from_till: ["с", "до"],
    ratio: "к",
    by: "на",
    times: "умножить на",
    less: "меньше",
    greater: "больше",
    then: ", затем",
    right_arrow: "стрелка вправо",
    squared: "в квадрате",
    cubed: "в кубе",
    to_the_power: "в степени",
    over: "делить на",
    root_of: "корень из",
    tasks: ["сделано: ", "не сделано: "],
    answers: ["да", "нет"],
    stars_of: "из",
    stars: ["звезда", "звезды", "звёзд"],
    and: "и",
    articles: &[],
    currencies: &[
        ("$", money(["доллар", "доллара", "долларов"], ["цент", "цента", "центов"])),
        ("€", money(["евро"; 3], ["цент", "цента", "центов"])),
        ("£", money(["фунт", "фунта", "фунтов"], ["пенс", "пенса", "пенсов"])),
        ("¥", Currency { whole: ["иена", "иены", "иен"], hundredth: None }),
        ("₽", RUBLE),
        ("руб", RUBLE),
        ("р", RUBLE),
        ("₴", Currency { whole: ["гривна", "гривны", "гривен"], hundredth: None }),
        ("₸", Currency { whole: ["тенге"; 3], hundredth: None }),
        ("₹", Currency { whole: ["рупия", "рупии", "рупий"], hundredth: None }),
    ],
    units: UNITS,
    per: &[
        ("мес", "в месяц"),
        ("месяц", "в месяц"),
        ("год", "в год"),
        ("нед", "в неделю"),
        ("день", "в день"),
        ("сутки", "в сутки"),
        ("ночь", "за ночь"),
        ("час", "в час"),
        ("ч", "в час"),
        ("мин", "в минуту"),
        ("с", "в секунду"),
        ("сек", "в секунду"),
        ("чел", "с человека"),
        ("кг", "за килограмм"),
        ("л", "за литр"),
        ("шт", "за штуку"),
        ("м²", "за квадратный метр"),
    ],
    scales: &[
        ("тыс", ["тысяча", "тысячи", "тысяч"]),
        ("млн", ["миллион", "миллиона", "миллионов"]),
        ("млрд", ["миллиард", "миллиарда", "миллиардов"]),
        ("трлн", ["триллион", "триллиона", "триллионов"]),
        ("тысяча", ["тысяча"; 3]),
        ("тысячи", ["тысячи"; 3]),
        ("тысяч", ["тысяч"; 3]),
        ("миллион", ["миллион"; 3]),
        ("миллиона", ["миллиона"; 3]),
        ("миллионов", ["миллионов"; 3]),
        ("миллиард", ["миллиард"; 3]),
        ("миллиарда", ["миллиарда"; 3]),
        ("миллиардов", ["миллиардов"; 3]),
    ],
    short_scales: &[],
    symbols: &[
        ("&", "и"),
        ("и/или", "и или"),
        ("24/7", "24 на 7"),
        ("Cmd", "Command"),
        ("°C", "градусов Цельсия"),
        ("°F", "градусов Фаренгейта"),
        ("м²", "квадратных метров"),
        ("км²", "квадратных километров"),
        ("м³", "кубических метров"),
        ("км/ч", "километров в час"),
        ("м/с", "метров в секунду"),
        ("Мбит/с", "мегабит в секунду"),
        ("CO₂", "C O 2"),
        ("CO2", "C O 2"),
    ],
    signs: &[
        ('№', "номер"),
        ('§', "параграф"),
        ('×', "умножить на"),
        ('÷', "разделить на"),
        ('±', "плюс-минус"),
        ('≈', "около"),
        ('≤', "не больше"),
        ('≥', "не меньше"),
        ('≠', "не равно"),
        ('−', "минус"),
        ('√', "корень из"),
        ('∞', "бесконечность"),
        ('π', "пи"),
        ('‰', "промилле"),
        ('½', "одна вторая"),
        ('⅓', "одна третья"),
        ('⅔', "две третьих"),
        ('¼', "одна четвёртая"),
        ('¾', "три четвёртых"),
        ('⅛', "одна восьмая"),
        ('←', "стрелка влево"),
        ('↑', "стрелка вверх"),
        ('↓', "стрелка вниз"),
        ('↔', "стрелка в обе стороны"),
        ('⌘', "Command"),
        ('⌥', "Option"),
        ('⇧', "Shift"),
        ('⌃', "Control"),
        ('⇪', "Caps Lock"),
        ('⎋', "Escape"),
        ('⏎', "Return"),
        ('↩', "Return"),
        ('↵', "Return"),
        ('⇥', "Tab"),
        ('⌫', "Delete"),
        ('⌦', "Forward Delete"),
        ('␣', "пробел"),
    ],
    abbreviations: &[
        ("т.е.", "то есть", Place::Inside),
        ("т.к.", "так как", Place::Inside),
        ("т.н.", "так называемый", Place::Inside),
        ("т.о.", "таким образом", Place::Inside),
        ("напр.", "например", Place::Inside),
        ("ок.", "около", Place::BeforeNumber),
        ("см.", "смотрите", Place::Inside),
        ("ср.", "сравните", Place::Inside),
        ("им.", "имени", Place::Inside),
        ("проф.", "профессор", Place::BeforeName),
        ("акад.", "академик", Place::BeforeName),
        ("св.", "святой", Place::BeforeName),
        ("г-н", "господин", Place::BeforeName),
        ("г-жа", "госпожа", Place::BeforeName),
        ("т.д.", "так далее", Place::Last),
        ("т.п.", "тому подобное", Place::Last),
        ("др.", "другие", Place::Last),
        ("пр.", "прочее", Place::Last),
        ("н.э.", "нашей эры", Place::Last),
    ],
    days: &[
        ("пн", "понедельник"),
        ("вт", "вторник"),
        ("ср", "среду"),
        ("чт", "четверг"),
        ("пт", "пятницу"),
        ("сб", "субботу"),
        ("вс", "воскресенье"),
    ],
    months: [
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ],
    date: |year, month, day| {
        let said = ordinal::said(year, Ending::Of).unwrap_or_else(|| year.to_string());
        format!("{day} {month} {said} года")
    },
    plural,
    groups_by: |c| matches!(c, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}'),
    inflect,
    drops_dots: true,
    idiom,
};

const RUBLE: Currency = money(["рубль", "рубля", "рублей"], ["копейка", "копейки", "копеек"]);

const UNITS: &[(&[&str], Forms)] = &[
    (&["мм", "mm"], ["миллиметр", "миллиметра", "миллиметров"]),
    (&["см", "cm"], ["сантиметр", "сантиметра", "сантиметров"]),
    (&["м"], ["метр", "метра", "метров"]),
    (&["км", "km"], ["километр", "километра", "километров"]),
    (&["м²", "м2", "кв. м"], ["квадратный метр", "квадратных метра", "квадратных метров"]),
    (&["км²", "кв. км"], ["квадратный километр", "квадратных километра", "квадратных километров"]),
    (&["м³", "куб. м"], ["кубический метр", "кубических метра", "кубических метров"]),
    (&["га"], ["гектар", "гектара", "гектаров"]),
    (&["км/ч", "km/h"], ["километр в час", "километра в час", "километров в час"]),
    (&["м/с"], ["метр в секунду", "метра в секунду", "метров в секунду"]),
    (&["мг"], ["миллиграмм", "миллиграмма", "миллиграммов"]),
    (&["г", "гр"], ["грамм", "грамма", "граммов"]),
    (&["кг", "kg"], ["килограмм", "килограмма", "килограммов"]),
    (&["мл"], ["миллилитр", "миллилитра", "миллилитров"]),
    (&["л"], ["литр", "литра", "литров"]),
    (&["мс"], ["миллисекунда", "миллисекунды", "миллисекунд"]),
    (&["сек"], ["секунда", "секунды", "секунд"]),
    (&["мин"], ["минута", "минуты", "минут"]),
    (&["ч"], ["час", "часа", "часов"]),
    (&["КБ", "Кб", "KB"], ["килобайт", "килобайта", "килобайт"]),
    (&["МБ", "Мб", "MB"], ["мегабайт", "мегабайта", "мегабайт"]),
    (&["ГБ", "Гб", "GB"], ["гигабайт", "гигабайта", "гигабайт"]),
    (&["ТБ", "Тб", "TB"], ["терабайт", "терабайта", "терабайт"]),
    (&["Мбит/с", "Mbps"], ["мегабит в секунду", "мегабита в секунду", "мегабит в секунду"]),
    (&["Гбит/с", "Gbps"], ["гигабит в секунду", "гигабита в секунду", "гигабит в секунду"]),
    (&["Гц", "Hz"], ["герц", "герца", "герц"]),
    (&["кГц", "kHz"], ["килогерц", "килогерца", "килогерц"]),
    (&["МГц", "MHz"], ["мегагерц", "мегагерца", "мегагерц"]),
    (&["ГГц", "GHz"], ["гигагерц", "гигагерца", "гигагерц"]),
    (&["Вт"], ["ватт", "ватта", "ватт"]),
    (&["кВт"], ["киловатт", "киловатта", "киловатт"]),
    (&["кВт·ч", "кВтч"], ["киловатт-час", "киловатт-часа", "киловатт-часов"]),
    (&["мАч", "мА·ч"], ["миллиампер-час", "миллиампер-часа", "миллиампер-часов"]),
    (&["ккал"], ["килокалория", "килокалории", "килокалорий"]),
    (
        &["мм рт. ст"],
        ["миллиметр ртутного столба", "миллиметра ртутного столба", "миллиметров ртутного столба"],
    ),
    (&["ст. л"], ["столовая ложка", "столовые ложки", "столовых ложек"]),
    (&["ч. л"], ["чайная ложка", "чайные ложки", "чайных ложек"]),
    (&["шт"], ["штука", "штуки", "штук"]),
    (&["чел"], ["человек", "человека", "человек"]),
    (&["коп"], ["копейка", "копейки", "копеек"]),
    (&["тыс"], ["тысяча", "тысячи", "тысяч"]),
    (&["млн"], ["миллион", "миллиона", "миллионов"]),
    (&["млрд"], ["миллиард", "миллиарда", "миллиардов"]),
    (&["трлн"], ["триллион", "триллиона", "триллионов"]),
    (&["°"], ["градус", "градуса", "градусов"]),
    // The second one is Cyrillic.
    (&["°C", "°С", "℃"], ["градус Цельсия", "градуса Цельсия", "градусов Цельсия"]),
    (&["°F", "℉"], ["градус Фаренгейта", "градуса Фаренгейта", "градусов Фаренгейта"]),
];

/// Before a number or a name: nominative, genitive, and the case behind "в" and
/// "на".
const NOUNS: &[(&str, Forms)] = &[
    ("ул.", ["улица", "улицы", "улице"]),
    ("пр.", ["проспект", "проспекта", "проспекте"]),
    ("просп.", ["проспект", "проспекта", "проспекте"]),
    ("пл.", ["площадь", "площади", "площади"]),
    ("пер.", ["переулок", "переулка", "переулке"]),
    ("наб.", ["набережная", "набережной", "набережной"]),
    ("г.", ["город", "города", "городе"]),
    ("д.", ["дом", "дома", "доме"]),
    ("кв.", ["квартира", "квартиры", "квартире"]),
    ("корп.", ["корпус", "корпуса", "корпусе"]),
    ("стр.", ["страница", "страницы", "странице"]),
    ("рис.", ["рисунок", "рисунка", "рисунке"]),
    ("табл.", ["таблица", "таблицы", "таблице"]),
    ("гл.", ["глава", "главы", "главе"]),
    ("п.", ["пункт", "пункта", "пункте"]),
    ("ст.", ["статья", "статьи", "статье"]),
    ("тел.", ["телефон", "телефона", "телефоне"]),
    ("оз.", ["озеро", "озера", "озере"]),
];

const fn money(whole: Forms, hundredth: Forms) -> Currency {
    Currency { whole, hundredth: Some(hundredth) }
}

fn idiom(spot: Spot<'_>) -> Option<(String, usize)> {
    ordinal::say(spot)
        .or_else(|| roman::russian(spot))
        .or_else(|| year(spot))
        .or_else(|| noun(spot))
        .or_else(|| distance(spot))
        .or_else(|| fraction(spot))
}

/// "в 2026 г.", "в 1990 году", "1941–1945 гг."
fn year(spot: Spot<'_>) -> Option<(String, usize)> {
    let token = spot.token();
    let next = spot.next()?;
    if !token.close.is_empty() || !next.open.is_empty() {
        return None;
    }
    let before = spot.before.unwrap_or_default().to_lowercase();
    let is_year = |text: &str| text.parse().is_ok_and(|year: u32| (1000..2200).contains(&year));
    if next.core == "гг" {
        let several = token.core.split(['–', '-', '—']).all(is_year);
        let years = match before.as_str() {
            "в" | "во" => "годах",
            before if roman::OF.contains(&before) => "годов",
            _ => "годы",
        };
        return several
            .then(|| (format!("{}{} {years}{}", token.open, token.core, spot.stop(1)), 2));
    }
    if !is_year(token.core) && !before_our_era(spot) {
        return None;
    }
    let (ending, noun) = match next.core {
        "г" if !next.close.starts_with('.') => return None,
        "г" if matches!(before.as_str(), "в" | "во") => (Ending::In, "году"),
        // The nominative is rare: "лето 2024 г.", "Конституция 1993 г."
        "г" => (Ending::Of, "года"),
        "год" => (Ending::Masculine, "год"),
        "года" => (Ending::Of, "года"),
        "году" if matches!(before.as_str(), "в" | "во" | "о") => (Ending::In, "году"),
        "году" => (Ending::To, "году"),
        "годом" => (Ending::With, "годом"),
        _ => return None,
    };
    let close = if next.core == "г" { spot.stop(1) } else { next.close };
    let said = ordinal::said(token.core.parse().ok()?, ending)?;
    Some((format!("{}{said} {noun}{close}", token.open), 2))
}

/// "44 г. до н. э."
fn before_our_era(spot: Spot<'_>) -> bool {
    let behind = |index: usize| spot.tokens.get(index).copied().unwrap_or_default();
    let era = |word: &str| word.starts_with("н.") || word == "нашей";
    era(behind(2)) || (behind(2) == "до" && era(behind(3)))
}

/// "в 5 км от дома".
fn distance(spot: Spot<'_>) -> Option<(String, usize)> {
    let (token, next) = (spot.token(), spot.next()?);
    let noun = match (next.core, token.core) {
        ("км", "1") => "километре",
        ("км", _) => "километрах",
        ("м", _) => "метрах",
        _ => return None,
    };
    let is_number = token.core.starts_with(|c: char| c.is_ascii_digit())
        && token.core.bytes().all(|b| b.is_ascii_digit() || b == b',');
    let fits = matches!(spot.before, Some("в" | "В")) && spot.tokens.get(2) == Some(&"от");
    (is_number && fits).then(|| (format!("{}{} {noun}", token.open, token.core), 2))
}

/// "на ул. Ленина, д. 5": by what follows, in the case that goes before.
fn noun(spot: Spot<'_>) -> Option<(String, usize)> {
    let token = spot.tokens.first()?;
    let open = spot.token().open;
    let written = token.strip_prefix(open)?;
    let lower = written.to_lowercase();
    let (_, forms) = NOUNS.iter().find(|(written, _)| *written == lower)?;
    let first = spot.next()?.core.chars().next()?;
    let named =
        matches!(lower.as_str(), "ул." | "пр." | "просп." | "пл." | "пер." | "наб." | "г." | "оз.");
    let fits =
        if named { first.is_uppercase() } else { first.is_ascii_digit() || lower == "тел." };
    // "5 г. Потом", "и пр. Потом": not before a name.
    let measures = matches!(lower.as_str(), "г." | "пр.")
        && spot.before.is_some_and(|word| {
            word.ends_with(|c: char| c.is_ascii_digit()) || matches!(word, "и" | "И")
        });
    let form = match spot.before.unwrap_or_default().to_lowercase().as_str() {
        "на" | "в" | "во" | "по" | "о" | "об" | "при"
            if lower != "г." || spot.before != Some("по") =>
        {
            2
        }
        before if roman::OF.contains(&before) => 1,
        _ => 0,
    };
    let said = if written.starts_with(char::is_uppercase) {
        roman::capital(forms[form])
    } else {
        forms[form].to_owned()
    };
    (fits && !measures).then(|| (format!("{open}{said}"), 1))
}

/// "1/2 чашки", but not 1/2 alone, which may be a date or a page.
fn fraction(spot: Spot<'_>) -> Option<(String, usize)> {
    let token = spot.token();
    let said = match token.core {
        "1/2" => "одна вторая",
        "1/3" => "одна третья",
        "2/3" => "две третьих",
        "1/4" => "одна четвёртая",
        "3/4" => "три четвёртых",
        // "½ стакана", "Добавьте ½ стакана".
        "½" if spot.before.is_none_or(|word| word.ends_with(['.', ',', ':', ';'])) => "половина",
        "½" => "половину",
        _ => return None,
    };
    let of_something = token.close.is_empty()
        && spot.next().is_some_and(|next| next.core.starts_with(char::is_lowercase));
    of_something.then(|| (token.around(said), 1))
}

/// 1 градус, 2 градуса, 5 градусов, 5,5 градуса, 11 градусов, 1 000 градусов.
fn plural(number: &str) -> usize {
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

/// "через 1 минуту", "при 180 градусах".
fn inflect(before: &str, noun: &str) -> Option<String> {
    if matches!(before, "при" | "При") {
        let rest = noun.strip_prefix("градусов").or_else(|| noun.strip_prefix("градуса"))?;
        return Some(format!("градусах{rest}"));
    }
    let accusative = matches!(before, "через" | "Через" | "за" | "За" | "на" | "каждую");
    let stem = matches!(noun, "минута" | "секунда" | "тысяча" | "копейка" | "штука")
        .then(|| noun.strip_suffix('а'))??;
    accusative.then(|| format!("{stem}у"))
}
