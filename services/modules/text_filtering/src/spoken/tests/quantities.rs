use super::{english, russian};

const ENGLISH: &[(&str, &str)] = &[
    ("It is −5 °C outside.", "It is minus 5 degrees Celsius outside."),
    ("It is -5°C outside.", "It is minus 5 degrees Celsius outside."),
    (
        "Between −5 °C and +5 °C tonight.",
        "Between minus 5 degrees Celsius and plus 5 degrees Celsius tonight.",
    ),
    ("Bake it at 350°F for 25 min.", "Bake it at 350 degrees Fahrenheit for 25 minutes."),
    ("A 90° turn, then a turn of 90°.", "A 90 degree turn, then a turn of 90 degrees."),
    ("The lake is 5–10 km away.", "The lake is 5 to 10 kilometers away."),
    ("Allow 5-10 min for it.", "Allow 5 to 10 minutes for it."),
    ("That is about 10 – 20 minutes.", "That is about 10 to 20 minutes."),
    ("It costs 20€ or €20.", "It costs 20 euros or 20 euros."),
    ("You paid $1,234.56 in total.", "You paid 1,234 dollars 56 cents in total."),
    ("That is $20.00, sir.", "That is 20 dollars, sir."),
    ("Only $0.99 today!", "Only 99 cents today!"),
    ("The fee is £3.05.", "The fee is 3 pounds 5 pence."),
    ("Apple earned $1.2 billion.", "Apple earned 1.2 billion dollars."),
    ("A raise of $5k, not $5M.", "A raise of 5 thousand dollars, not 5 million dollars."),
    ("It is $5/month or 20€/month.", "It is 5 dollars per month or 20 euros per month."),
    ("Plans start at €9.99/mo.", "Plans start at 9 euros 99 cents per month."),
    ("It costs $5 and $10.", "It costs 5 dollars and 10 dollars."),
    ("Prices fell by 5–10%.", "Prices fell by 5 to 10%."),
    ("Save 50 % or 50% today.", "Save 50 % or 50% today."),
    ("So 3×4 = 12.", "So 3 times 4 = 12."),
    ("So 2*3 is 5 * 3 minus 9.", "So 2 times 3 is 5 times 3 minus 9."),
    ("Then 2+2=4.", "Then 2+2=4."),
    ("Then 5 - 3 = 2.", "Then 5 minus 3 = 2."),
    (
        "You need ≥ 5 GB, better ≥16 GB.",
        "You need at least 5 gigabytes, better at least 16 gigabytes.",
    ),
    (
        "Add ½ cup of milk and 1½ cups of flour.",
        "Add 1 half cup of milk and 1 and one half cups of flour.",
    ),
    (
        "Add 1/2 cup of sugar and 1 1/2 cups of water.",
        "Add 1 half cup of sugar and 1 and 1 half cups of water.",
    ),
    ("On 1/2 we left.", "On 1/2 we left."),
    ("A third is ⅓, two are ⅔.", "A third is one third, two are two thirds."),
    ("Type <b>x</b> if p < 0.05.", "Type x if p less than 0.05."),
    ("Since 5 > 3, x > y.", "Since 5 greater than 3, x greater than y."),
    (
        "The screen has 1920x1080 or 1920×1080 pixels.",
        "The screen has 1920 by 1080 or 1920 by 1080 pixels.",
    ),
    ("In 16:9 or 4:3.", "In 16 to 9 or 4 to 3."),
    ("See John 3:16 at 3:16.", "See John 3:16 at 3:16."),
    ("It is ~5 km or ≈ 5 miles.", "It is about 5 kilometers or about 5 miles."),
    ("A tolerance of ±2 mm.", "A tolerance of plus or minus 2 millimeters."),
    ("A 5 km run takes 30 min.", "A 5 kilometer run takes 30 minutes."),
    ("She drove 60 km/h, he 60 mph.", "She drove 60 kilometers per hour, he 60 miles per hour."),
    ("Get 16 GB of RAM and a 512GB disk.", "Get 16 gigabytes of RAM and a 512 gigabyte disk."),
    ("A CPU of 3.5 GHz with 60 fps.", "A CPU of 3.5 gigahertz with 60 frames per second."),
    ("Drink 200 ml or 1.5 L a day.", "Drink 200 milliliters or 1.5 liters a day."),
    ("He is 5'10\" and weighs 180 lbs.", "He is 5 feet 10 inches and weighs 180 pounds."),
    (
        "The flat has 50 m² (1 m² is large).",
        "The flat has 50 square meters (1 square meter is large).",
    ),
    ("It takes 2h 30m or 5 min. at most.", "It takes 2 hours 30 minutes or 5 minutes at most."),
    ("The 1990s, a 30s timeout, 100m sprint.", "The 1990s, a 30s timeout, 100m sprint."),
    (
        "Light travels at 300,000 km/s or 5 m/s.",
        "Light travels at 300,000 kilometers per second or 5 meters per second.",
    ),
    ("The population is 1,000,000 or 1.000.000.", "The population is 1,000,000 or 1.000.000."),
    ("With 10 000 people.", "With 10 000 people."),
    ("The 1st, 2nd, 21st and 101st.", "The 1st, 2nd, 21st and 101st."),
    ("No. 5 and № 5, #5.", "number 5 and number 5, number 5."),
    ("Call 24/7, 365 days a year.", "Call 24 7, 365 days a year."),
    ("A score of 3-0 or 3–0.", "A score of 3-0 or 3 to 0."),
    ("Rate: 5‰.", "Rate: 5 per mille."),
    (
        "Add 1/2 tsp salt, ½ tsp oil and 1 1/2 cups.",
        "Add 1 half teaspoon salt, 1 half teaspoon oil and 1 and 1 half cups.",
    ),
    (
        "Price ($5–$10), $1M–$2M, €5-€10",
        "Price (5 to 10 dollars), 1 million to 2 million dollars, 5 to 10 euros",
    ),
    (
        "It was -3…-5 °C or 5...10 km.",
        "It was minus 3 to minus 5 degrees Celsius or 5 to 10 kilometers.",
    ),
    ("9.8 m/s² and 5 million km.", "9.8 meters per second squared and 5 million kilometers."),
    (
        "72°F (22°C) with 5-10 mph winds.",
        "72 degrees Fahrenheit (22 degrees Celsius) with 5 to 10 miles per hour winds.",
    ),
    (
        "$5-10, 5+ years, -1, x−1, #1 choice.",
        "5 to 10 dollars, 5+ years, minus 1, x minus 1, number 1 choice.",
    ),
];

const RUSSIAN: &[(&str, &str)] = &[
    ("Сейчас −5 °C.", "Сейчас минус 5 градусов Цельсия."),
    (
        "Сейчас -5°C, ночью −10 °C.",
        "Сейчас минус 5 градусов Цельсия, ночью минус 10 градусов Цельсия.",
    ),
    ("Завтра от −5 до −10 °C.", "Завтра от минус 5 до минус 10 градусов Цельсия."),
    ("Выпекайте при 180 °C 25 мин.", "Выпекайте при 180 градусах Цельсия 25 минут."),
    ("Поворот на 90°.", "Поворот на 90 градусов."),
    ("До дома 5–10 км.", "До дома 5–10 километров."),
    ("Подождите 5-10 мин.", "Подождите 5-10 минут."),
    ("С вас 1 234,56 ₽.", "С вас 1234 рубля 56 копеек."),
    ("Это 100 000 ₽ или 1 000 000 руб.", "Это 100000 рублей или 1000000 рублей."),
    ("Население 1 234 567 человек.", "Население 1234567 человек."),
    ("Это 20€ или €20, или $20.00.", "Это 20 евро или 20 евро, или 20 долларов."),
    ("Цена 500 руб./мес.", "Цена 500 рублей в месяц."),
    ("Яблоки по 150 ₽/кг.", "Яблоки по 150 рублей за килограмм."),
    ("Скидка 50 % или 50%.", "Скидка 50 % или 50%."),
    ("Скидка 5–10%.", "Скидка 5–10%."),
    ("Значит, 3×4 = 12 и 5 * 3 = 15.", "Значит, 3 умножить на 4 = 12 и 5 умножить на 3 = 15."),
    ("Значит, 2 + 2 = 4, а 5 − 3 = 2.", "Значит, 2 + 2 = 4, а 5 минус 3 = 2."),
    ("Нужно ≥ 5 ГБ, лучше ≥16 ГБ.", "Нужно не меньше 5 гигабайт, лучше не меньше 16 гигабайт."),
    ("Добавьте ½ стакана и 1½ ложки.", "Добавьте половину стакана и 1 и одна вторая ложки."),
    ("Добавьте 1/2 чашки.", "Добавьте одна вторая чашки."),
    ("Так как 5 > 3 и x < 7.", "Так как 5 больше 3 и x меньше 7."),
    ("Экран 1920×1080, формат 16:9, счёт 3:2.", "Экран 1920 на 1080, формат 16 к 9, счёт 3:2."),
    ("Туда ~5 км или ≈ 5 миль.", "Туда около 5 километров или около 5 миль."),
    ("Допуск ± 2 мм, 5‰.", "Допуск плюс-минус 2 миллиметра, 5 промилле."),
    ("Скорость 60 км/ч или 5 м/с.", "Скорость 60 километров в час или 5 метров в секунду."),
    (
        "Память 16 ГБ, диск 512 ГБ, 3,5 ГГц.",
        "Память 16 гигабайт, диск 512 гигабайт, 3,5 гигагерца.",
    ),
    (
        "Возьмите 2,5 кг муки, 100 г сахара и 200 мл молока.",
        "Возьмите 2,5 килограмма муки, 100 граммов сахара и 200 миллилитров молока.",
    ),
    (
        "Возьмите 2 ст. л. масла и 1 ч. л. соли.",
        "Возьмите 2 столовые ложки масла и 1 чайная ложка соли.",
    ),
    ("Давление 760 мм рт. ст. сегодня.", "Давление 760 миллиметров ртутного столба сегодня."),
    ("Квартира 50 кв. м или 50 м².", "Квартира 50 квадратных метров или 50 квадратных метров."),
    ("Через 1 мин и через 2 ч 30 мин.", "Через 1 минуту и через 2 часа 30 минут."),
    ("В 5 км от дома, в 1 км от метро.", "В 5 километрах от дома, в 1 километре от метро."),
    (
        "Осталось 5 шт., пришли 10 чел. и 2 чел. ушли.",
        "Осталось 5 штук, пришли 10 человек и 2 человека ушли.",
    ),
    ("В городе 5 тыс. человек.", "В городе 5 тысяч человек."),
    ("Сумма 5 тыс. руб. и 2 млрд руб. в год.", "Сумма 5 тысяч рублей и 2 миллиарда рублей в год."),
    ("Ещё 1,5 млн долларов и 3 млн ₽.", "Ещё 1,5 миллиона долларов и 3 миллиона рублей."),
    ("Это 2 руб. сдачи.", "Это 2 рубля сдачи."),
    ("№ 5 и №6, § 7.", "номер 5 и номер 6, параграф 7."),
    ("Отправили 1-й и 2-го, 21-я и 3-ю.", "Отправили первый и второго, двадцать первая и третью."),
    (
        "В 90-е годы, 10-ти человек, 3-х дней, 7-ми лет.",
        "В девяностые годы, десяти человек, трёх дней, семи лет.",
    ),
    ("На 1-м месте, 1-е место.", "На первом месте, первое место."),
    ("40-й, 103-я, 8-го, 100-й, 1000-я.", "сороковой, сто третья, восьмого, сотый, тысячная."),
    ("5-летний, 15-дюймовый.", "5-летний, 15-дюймовый."),
    (
        "Звоните 8 800 555-35-35 или +7 (900) 123-45-67.",
        "Звоните 8 800 555-35-35 или +7 (900) 123-45-67.",
    ),
    ("Звоните 8 900 123 45 67.", "Звоните 8 900 123 45 67."),
    ("Работаем 24/7.", "Работаем 24 на 7."),
    ("Возьмите 5 с половиной.", "Возьмите 5 с половиной."),
    ("x² и 2^10, 10^-3", "x в квадрате и 2 в степени 10, 10 в степени минус 3"),
    ("Это \\(\\frac{a}{b}\\) и √2, π и ∞.", "Это a делить на b и корень из 2, пи и бесконечность."),
    ("Здесь −3% и +5 °C.", "Здесь минус 3% и плюс 5 градусов Цельсия."),
    (
        "Ночью -3…-5 °C, +1...+3 °C.",
        "Ночью минус 3… минус 5 градусов Цельсия, +1… плюс 3 градуса Цельсия.",
    ),
    ("До неё 25 тыс. км, 5 тыс. чел. там.", "До неё 25 тысяч километров, 5 тысяч человек там."),
    ("За 2 шт. 1000₽, 21 тыс. руб.", "За 2 штуки 1000 рублей, 21 тысяча рублей."),
    ("Ветер 3–5 м/с, рост 180 см.", "Ветер 3–5 метров в секунду, рост 180 сантиметров."),
    ("Возьмите 1–2 ст. л. сахара.", "Возьмите 1–2 столовые ложки сахара."),
    ("Это 1 ГБ = 1024 МБ.", "Это 1 гигабайт = 1024 мегабайта."),
];

#[test]
fn quantities_are_said_in_words_in_english() {
    for (text, expected) in ENGLISH {
        english(text, expected);
    }
}

#[test]
fn quantities_are_said_in_words_in_russian() {
    for (text, expected) in RUSSIAN {
        russian(text, expected);
    }
}
