//! Replies of the kind that a model writes.

use serde_json::json;

/// What an assistant says: sentences of every length, some numbers, names and
/// abbreviations, a list.
const ENGLISH: &str = "\
Sure, I can help with that. The report is open in the first window, and it has three parts: a \
summary, the figures for October, and a list of open questions. According to Dr. Harris, sales \
rose by 4.5% to about $1,250,000, which is more than anyone expected; the rest of the page \
compares that with last year. Do you want me to read the table as well?\n\
Here is what I found:\n\
1. The meeting with Mr. Jones moved to 10:30 on Thursday.\n\
2. Two letters are waiting for an answer, e.g. the one from the bank.\n\
3. The battery is at 23%, so it won't last until the evening.\n\
The weather stays mild: between 12°C and 15°C, with a light wind from the west and no rain before \
midnight. If you leave at half past eight you will be at the station in time, although the bus \
sometimes comes late when it's crowded. I wouldn't take the car today. The centre is closed for \
the marathon, and parking near the U.S. embassy costs more than the ticket! Let me know when you \
are ready... and I'll call a taxi. Of course you can also ask me to remind you later — just say \
the time, and I will be quiet until then. Everything else on this screen is an advertisement: \
nothing in it needs your attention, and none of its buttons belong to the page itself. ";

/// The same in Russian.
const RUSSIAN: &str = "\
Конечно, сейчас помогу. Отчёт открыт в первом окне, и в нём три части: краткая сводка, цифры за \
октябрь и список открытых вопросов. По словам г-на Петрова, продажи выросли на 4,5%, т.е. \
примерно до 1 250 000 руб., а это больше, чем кто-либо ожидал; остальная часть страницы \
сравнивает эти данные с прошлым годом. Хотите, я прочитаю и таблицу?\n\
Вот что я нашёл:\n\
1. Встреча с Ивановым перенесена на 10:30 в четверг.\n\
2. Два письма ждут ответа, напр. письмо из банка.\n\
3. Батарея заряжена на 23%, так что до вечера её не хватит.\n\
Погода остаётся мягкой: от 12°C до 15°C, слабый западный ветер, и до полуночи дождя не будет. \
Если выйти в половине девятого, вы успеете на вокзал, хотя автобус иногда опаздывает, когда \
в нём много людей. Машину я бы сегодня не брал. Центр закрыт из-за марафона, а стоянка на \
ул. Ленина стоит дороже билета! Скажите, когда будете готовы... и я вызову такси. Разумеется, \
можно попросить меня напомнить позже — просто назовите время, и до тех пор я буду молчать. Всё \
остальное на этом экране — реклама: ничто там не требует внимания, и ни одна из кнопок не \
относится к самой странице. ";

/// A whole turn: three sentences.
pub(crate) const ENGLISH_TURN: &str = "\
Sure, I am opening Safari now. The page of your bank shows a balance of $1,250.50 and two new \
messages. Shall I read the first one to you, or wait until 10:30?";
pub(crate) const RUSSIAN_TURN: &str = "\
Хорошо, открываю Safari. На странице банка остаток 1250 ₽ и два новых сообщения. Прочитать \
первое или подождать до 10:30?";

/// How many tokens that is.
const TURN_TOKENS: usize = 36;

/// How long the replies are that throughput is measured with, in bytes.
const LONG_BYTES: usize = 64 * 1024;

pub(crate) fn english() -> String {
    long(ENGLISH)
}

pub(crate) fn russian() -> String {
    long(RUSSIAN)
}

/// A reply object as most models write it: letters as they are, quotes and line
/// breaks escaped.
pub(crate) fn object(text: &str) -> String {
    let text = text.replace("the page", "the \"page\"").replace("таблицу", "\"таблицу\"");
    let args = json!({"app_name": "Safari", "url": "https://example.com/a?b=c"});
    json!({"session_id": "9b2f0a3c", "command": "open_app", "args": args, "text": text}).to_string()
}

/// The same from a model that escapes everything that is not ASCII.
pub(crate) fn ascii_object(text: &str) -> String {
    let mut units = [0; 2];
    let mut escaped = String::new();
    for c in object(text).chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            let units = c.encode_utf16(&mut units).iter();
            escaped.extend(units.map(|unit| format!("\\u{unit:04x}")));
        }
    }
    escaped
}

/// Cuts a reply as a model's stream does: pieces of 4 to 12 bytes.
pub(crate) fn tokens(reply: &str) -> Vec<&str> {
    cut(reply, &[5, 9, 4, 7, 12, 6, 8, 4, 11, 5, 10, 6])
}

/// Cuts a reply into large pieces.
pub(crate) fn chunks(reply: &str) -> Vec<&str> {
    cut(reply, &[4096])
}

/// Cuts a turn into so many pieces of almost the same length.
pub(crate) fn turn_tokens(reply: &str) -> Vec<&str> {
    let border = |token| reply.floor_char_boundary(reply.len() * token / TURN_TOKENS);
    (0..TURN_TOKENS).map(|token| &reply[border(token)..border(token + 1)]).collect()
}

fn cut<'a>(reply: &'a str, lengths: &[usize]) -> Vec<&'a str> {
    let mut rest = reply;
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(*length));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn long(text: &str) -> String {
    text.repeat(LONG_BYTES / text.len())
}
