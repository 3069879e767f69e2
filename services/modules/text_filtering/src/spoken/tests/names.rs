use super::{english, russian};

const ENGLISH: &[(&str, &str)] = &[
    (
        "Dr. Smith met Mrs. Jones, Ms. Lee and Prof. Brown.",
        "Doctor Smith met Missis Jones, Miz Lee and Professor Brown.",
    ),
    (
        "St. Louis is far from Main St. and Elm Dr. here.",
        "Saint Louis is far from Main St. and Elm Dr. here.",
    ),
    ("J. R. R. Tolkien wrote it.", "J. R. R. Tolkien wrote it."),
    (
        "Fruit, e.g. apples, i.e. red ones, etc.",
        "Fruit, for example apples, that is red ones, et cetera.",
    ),
    (
        "E.g. red ones, approx. ten, incl. tax.",
        "For example red ones, approximately ten, including tax.",
    ),
    (
        "Kant, a.k.a. the clock, vs. Hume vs Locke.",
        "Kant, also known as the clock, versus Hume versus Locke.",
    ),
    (
        "See p. 5, pp. 5–7, vol. 2, ch. 3, Fig. 4.",
        "See page 5, pages 5 to 7, volume 2, chapter 3, figure 4.",
    ),
    ("He lived c. 1900 or ca. 1910.", "He lived about 1900 or about 1910."),
    ("Read Chapter IV on World War II.", "Read Chapter 4 on World War 2."),
    (
        "Henry VIII and Elizabeth I, Louis XIV.",
        "Henry the 8th and Elizabeth the 1st, Louis the 14th.",
    ),
    ("I think an IV drip in XL is on CD.", "I think an IV drip in XL is on CD."),
    ("Part V, Type I and Malcolm X.", "Part 5, Type 1 and Malcolm X."),
    ("I said no. You said yes.", "I said no. You said yes."),
    ("Use and/or, w/o sugar, n/a.", "Use and or, without sugar, not available."),
    ("It emits CO₂ and CO2.", "It emits C O 2 and C O 2."),
    (
        "Vitamin C, plan B, Wi-Fi (802.11), C++, C#, AT&T.",
        "Vitamin C, plan B, Wi-Fi (802.11), C++, C#, AT&T.",
    ),
    ("Bed & breakfast.", "Bed and breakfast."),
    ("Apple Inc. and Sons Ltd. are here.", "Apple Inc. and Sons Ltd. are here."),
    ("Jr. and Sr. are here.", "Jr. and Sr. are here."),
    ("The U.S., the U.K. and the E.U.", "The U.S., the U.K. and the E.U."),
    ("P.S. I love you.", "P.S. I love you."),
    ("Rocky IV and Star Wars IX.", "Rocky 4 and Star Wars 9."),
    ("Pope John Paul II.", "Pope John Paul the 2nd."),
    ("Smith et al. (2020) said so.", "Smith et al. (2020) said so."),
];

const RUSSIAN: &[(&str, &str)] = &[
    ("Это, т. е. вот это, и т. д.", "Это, то есть вот это, и так далее."),
    ("Это, т.е. вот это, и т.д. и т.п.", "Это, то есть вот это, и так далее и тому подобное."),
    ("Яблоки и т. д. Потом груши.", "Яблоки и так далее. Потом груши."),
    ("Яблоки, груши и др. Потом сливы.", "Яблоки, груши и другие. Потом сливы."),
    (
        "Он не пришёл, т. к. болел (т. н. грипп).",
        "Он не пришёл, так как болел (так называемый грипп).",
    ),
    ("Живу на ул. Ленина, д. 5, кв. 7.", "Живу на улице Ленина, дом 5, квартира 7."),
    ("Ул. Ленина в г. Москва.", "Улица Ленина в городе Москва."),
    ("Город, как г. Тверь, из г. Твери.", "Город, как город Тверь, из города Твери."),
    ("См. рис. 2 на стр. 5.", "Смотрите рисунок 2 на странице 5."),
    ("Смотри п. 3 ст. 5, табл. 1.", "Смотри пункт 3 статья 5, таблица 1."),
    ("Музей им. Горького, напр. этот.", "Музей имени Горького, например этот."),
    (
        "Проф. Иванов, г-н Петров и г-жа Сидорова.",
        "профессор Иванов, господин Петров и госпожа Сидорова.",
    ),
    ("А. С. Пушкин и Л. Н. Толстой.", "А. С. Пушкин и Л. Н. Толстой."),
    ("и/или так", "и или так"),
    ("Ок. 5 человек, см. ниже.", "около 5 человек, смотрите ниже."),
    ("Хлеб & соль.", "Хлеб и соль."),
    ("МВД, США, IT-компания, USB-C, Wi-Fi.", "МВД, США, IT-компания, USB-C, Wi-Fi."),
    ("«Да», — сказал он…", "«Да», — сказал он…"),
    ("Что?! Нет…", "Что?! Нет…"),
    ("В обл. центре.", "В обл. центре."),
    ("Врем. адрес: г. Томск, пл. Ленина, 5.", "Врем. адрес: город Томск, площадь Ленина, 5."),
    ("На наб. Мойки, у оз. Байкал.", "На набережной Мойки, у озера Байкал."),
    ("Св. Николай, акад. Павлов.", "святой Николай, академик Павлов."),
    ("Тел. 8 800 555-35-35.", "Телефон 8 800 555-35-35."),
    ("Это см. выше; 5 см. ниже.", "Это смотрите выше; 5 сантиметров ниже."),
    ("До н. э. и н. э.", "До нашей эры и нашей эры."),
    ("Это было в I в. до н. э.", "Это было в первом веке до нашей эры."),
    ("В гл. 3 и на табл. 2.", "В главе 3 и на таблице 2."),
    ("И пр. Потом.", "И прочее. Потом."),
    ("По ул. Мира, с ул. Ленина.", "По улице Мира, с улицы Ленина."),
];

#[test]
fn abbreviations_and_numerals_are_written_out_in_english() {
    for (text, expected) in ENGLISH {
        english(text, expected);
    }
}

#[test]
fn abbreviations_and_numerals_are_written_out_in_russian() {
    for (text, expected) in RUSSIAN {
        russian(text, expected);
    }
}
