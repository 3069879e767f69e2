//! What can be asked in fixed words.

use super::{
    Tongue,
    Tongue::{English, Russian},
};

/// A subject that is recognised by a whole phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Time,
    Date(Day),
    Greeting,
    HowAreYou,
    Thanks,
    Farewell,
    WhoAreYou,
    Help,
    LastQuestion,
    LastReply,
    Screen,
}

/// A day near today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    Yesterday,
    Today,
    Tomorrow,
}

/// Phrases of whole words, separated by ` | `.
type Phrases = &'static str;

/// Everything that is said before the matter itself. Longer ones first: the rest
/// of a phrase must not be left over.
pub(super) const OPENERS: Phrases = "\
     i would like you to | i would like to | i want you to | i want to | i need you to | \
     i need to | do you know | go ahead and | can you | could you | would you | will you | \
     tell me | let us | please | hey | ok | okay | well | so | now | just | quickly | nexy | \
     не мог бы ты | не могла бы ты | не могли бы вы | ты не мог бы | ты не могла бы | \
     можешь ли ты | знаешь ли ты | я хочу чтобы ты | мне нужно | я хочу | ты можешь | \
     вы можете | ты знаешь | можешь | можете | скажи | скажите | подскажи | подскажите | \
     пожалуйста | слушай | давай | окей | ок | эй | ну | так | а | мне | нэкси | некси";

/// Greetings, alone or before the matter.
pub(super) const GREETINGS: Phrases = "\
     good morning | good afternoon | good evening | hello there | hi there | hello | hi | hey | \
     добрый день | доброе утро | добрый вечер | приветствую | здравствуйте | здравствуй | привет";

/// Everything that is said after the matter itself.
pub(super) const CLOSERS: Phrases = "\
     right now | for me | thank you | thanks | please | now | then | nexy | прямо сейчас | \
     для меня | пожалуйста | спасибо | сейчас | нэкси | некси";

/// What may also follow a question about the clock or the calendar.
pub(super) const TIME_WORDS: Phrases =
    "today | exactly | currently | at the moment | сегодня | у нас";

/// Whole phrases, as they are left when openers and closers are gone.
const PHRASES: &[(Topic, Tongue, Phrases)] = &[
    (
        Topic::Time,
        English,
        "what time is it | what time it is | what is the time | what is the current time | \
         do you have the time | have you got the time | the current time | current time | \
         the time | time",
    ),
    (
        Topic::Time,
        Russian,
        "который час | который сейчас час | сколько времени | сколько сейчас времени | \
         сколько время | какое время | какое сейчас время | текущее время | точное время | время",
    ),
    (
        Topic::Date(Day::Today),
        English,
        "what is the date | what is the current date | what is today's date | what is today | \
         what date is it | what date is | what day is it | what day it is | what day is | \
         what is the day | what day of the week is it | what day of the week is | \
         which day of the week is it | which day is it | what weekday is it | what month is it | \
         what year is it | today's date | current date | the date | date",
    ),
    (
        Topic::Date(Day::Today),
        Russian,
        "какое число | какое сегодня число | какое сейчас число | какая дата | \
         какая сегодня дата | какой день | какой сегодня день | какой день недели | \
         какой сегодня день недели | какой месяц | какой сейчас месяц | какой год | \
         какой сейчас год | сегодняшняя дата | дата | что за день",
    ),
    (
        Topic::Date(Day::Tomorrow),
        English,
        "what day is tomorrow | what day is it tomorrow | what day of the week is tomorrow | \
         what date is tomorrow | what is the date tomorrow | what is tomorrow's date | \
         tomorrow's date",
    ),
    (
        Topic::Date(Day::Tomorrow),
        Russian,
        "какой завтра день | какой день завтра | какой завтра день недели | \
         какой день недели завтра | какое завтра число | какое число завтра | \
         какая завтра дата | какая дата завтра",
    ),
    (
        Topic::Date(Day::Yesterday),
        English,
        "what day was yesterday | what day was it yesterday | \
         what day of the week was yesterday | what date was yesterday | \
         what was the date yesterday | what was yesterday's date | yesterday's date",
    ),
    (
        Topic::Date(Day::Yesterday),
        Russian,
        "какой вчера был день | какой был вчера день | какой день был вчера | \
         какой вчера был день недели | какое вчера было число | какое было вчера число | \
         какое число было вчера",
    ),
    (Topic::HowAreYou, English, "how are you | how are you doing | how is it going | what is up"),
    (
        Topic::HowAreYou,
        Russian,
        "как дела | как твои дела | как ты | как поживаешь | как настроение",
    ),
    (
        Topic::Thanks,
        English,
        "thanks | thanks a lot | many thanks | thank you | thank you very much | \
         thank you so much",
    ),
    (
        Topic::Thanks,
        Russian,
        "спасибо | спасибо большое | большое спасибо | спасибо тебе | благодарю",
    ),
    (
        Topic::Farewell,
        English,
        "bye | bye bye | goodbye | good bye | good night | see you | see you later",
    ),
    (
        Topic::Farewell,
        Russian,
        "пока | пока пока | до свидания | до встречи | спокойной ночи | прощай",
    ),
    (
        Topic::WhoAreYou,
        English,
        "who are you | what are you | what is your name | introduce yourself",
    ),
    (
        Topic::WhoAreYou,
        Russian,
        "кто ты | ты кто | кто ты такой | кто ты такая | что ты такое | как тебя зовут | \
         представься",
    ),
    (
        Topic::Help,
        English,
        "help | help me | what can you do | what can i ask | what can i ask you | \
         what can i say | what do you do | how can you help | how can you help me",
    ),
    (
        Topic::Help,
        Russian,
        "помощь | помоги | помоги мне | справка | что ты умеешь | что ты можешь | что умеешь | \
         чем ты можешь помочь | что можно спросить",
    ),
    (
        Topic::LastQuestion,
        English,
        "what did i say | what did i just say | what did i say before | what did i ask | \
         what did i just ask | what did i ask you | what did i just ask you | \
         what did i just tell you | what was my last question | what i said | what i just said | \
         repeat what i said | repeat what i just said | repeat my question",
    ),
    (
        Topic::LastQuestion,
        Russian,
        "что я сказал | что я сказала | что я только что сказал | что я только что сказала | \
         что я сейчас сказал | что я сейчас сказала | что я спросил | что я спросила | \
         что я только что спросил | что я только что спросила | что я говорил | что я говорила | \
         повтори мой вопрос | повтори что я сказал | повтори что я сказала | \
         какой был мой последний вопрос",
    ),
    (
        Topic::LastReply,
        English,
        "what did you say | what did you just say | what was your answer | repeat | \
         repeat that | repeat it | repeat your answer | say that again | say it again",
    ),
    (
        Topic::LastReply,
        Russian,
        "что ты сказал | что ты сказала | что ты только что сказал | что ты только что сказала | \
         повтори | повтори еще раз | повтори ответ | еще раз",
    ),
    (
        Topic::Screen,
        English,
        "what is on my screen | what is on the screen | describe my screen | \
         describe the screen | describe this image | describe this picture | read my screen | \
         read the screen | what do you see | what can you see | what is in this picture | \
         what is in this image | look at my screen",
    ),
    (
        Topic::Screen,
        Russian,
        "что на экране | что на моем экране | что у меня на экране | опиши экран | \
         опиши мой экран | опиши картинку | опиши изображение | прочитай экран | \
         прочитай что на экране | что ты видишь | что на картинке",
    ),
];

/// One phrase after the other.
pub(super) fn alternatives(phrases: Phrases) -> impl Iterator<Item = &'static str> {
    phrases.split(" | ")
}

/// The topic of a whole phrase, and the language it is in.
pub(super) fn topic_of(phrase: &str) -> Option<(Topic, Tongue)> {
    PHRASES
        .iter()
        .find(|(_, _, phrases)| alternatives(phrases).any(|known| known == phrase))
        .map(|(topic, tongue, _)| (*topic, *tongue))
}
