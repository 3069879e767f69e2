use super::{english, russian};

const ENGLISH: &[(&str, &str)] = &[
    ("Go to File → Save As…", "Go to File, then Save As…"),
    ("Choose File > Save As > PDF.", "Choose File, then Save As, then PDF."),
    (
        "Open **System Settings** > **Privacy & Security**.",
        "Open System Settings, then Privacy and Security.",
    ),
    ("Settings ➡️ General ➜ About", "Settings, then General, then About"),
    ("Press ⌘C, then ⌘V.", "Press Command C, then Command V."),
    ("Press ⌥⇧K or ⌃⌘Space.", "Press Option Shift K or Control Command Space."),
    ("Press ⌘ + C.", "Press Command + C."),
    ("Press Cmd+Shift+4 or Ctrl-Alt-Del.", "Press Command Shift 4 or Control Alt Del."),
    ("Press Ctrl+C twice.", "Press Control C twice."),
    ("Use VO+Right or fn+F5.", "Use V O Right or F N F5."),
    ("Press →.", "Press right arrow."),
    ("Press ⌘→ or ↑.", "Press Command right arrow or up arrow."),
    ("Press ⏎ or ⎋.", "Press Return or Escape."),
    ("Cities: Paris → Rome.", "Cities: Paris, then Rome."),
    ("Run `git commit -m \"x\" --amend` now.", "Run git commit dash m \"x\" dash dash amend now."),
    (
        "Open `my_file_name.txt` in /usr/local/bin.",
        "Open my underscore file underscore name.txt in /usr/local/bin.",
    ),
    ("Open ~/Documents/report.pdf.", "Open ~/Documents/report.pdf."),
    ("Open C:\\Users\\bob on Windows.", "Open C:\\Users\\bob on Windows."),
    ("Set `max_size` to 5.", "Set max underscore size to 5."),
    ("Call `foo()` with `a[1] = 2`.", "Call foo() with a[1] = 2."),
    ("If a >= 5 and b <= 6 and c != 7.", "If a at least 5 and b at most 6 and c is not 7."),
    ("A lambda: x => x.", "A lambda: x, then x."),
    ("Use Vec<String> or <T>.", "Use Vec<String> or <T>."),
    ("The mask 0x1F is 31.", "The mask 0x1F is 31."),
    ("The host 192.168.1.1:8080 answers.", "The host 192.168.1.1:8080 answers."),
    (
        "Version v2.5.1 or 2.5.1, macOS 15.2, iOS 18.",
        "Version 2 point 5 point 1 or 2 point 5 point 1, macOS 15.2, iOS 18.",
    ),
    ("Python 3.12.1 and v2.0.", "Python 3 point 12 point 1 and version 2.0."),
    ("See https://www.example.com/a?b=c#d.", "See link to example dot com."),
    (
        "Write to bob.b_c+x@my-host.example.com!",
        "Write to bob dot b underscore c plus x at my dash host dot example dot com!",
    ),
    ("Visit www.example.com, please.", "Visit link to example dot com, please."),
    ("#hashtag by @name", "#hashtag by @name"),
    ("🔋 Battery 50%", "Battery 50%"),
    ("Open the Finder ▸ Preferences.", "Open the Finder, then Preferences."),
    ("It says \"File → Save\".", "It says \"File, then Save\"."),
    ("(⌘Q)", "(Command Q)"),
    ("node.js and index.html on localhost:8080", "node.js and index.html on localhost:8080"),
    ("Use @media or #5.", "Use @media or number 5."),
    ("The tag `<b>` is bold.", "The tag <b> is bold."),
];

const RUSSIAN: &[(&str, &str)] = &[
    ("Откройте Файл → Сохранить как…", "Откройте Файл, затем Сохранить как…"),
    ("Откройте **Настройки** > **Основные**.", "Откройте Настройки, затем Основные."),
    ("Нажмите ⌘C, потом ⌘V.", "Нажмите Command C, потом Command V."),
    ("Нажмите Ctrl+C или Cmd+Shift+4.", "Нажмите Control C или Command Shift 4."),
    ("Нажмите ⌥⇧K или ⏎.", "Нажмите Option Shift K или Return."),
    ("Нажмите → или ↑.", "Нажмите стрелка вправо или стрелка вверх."),
    (
        "Откройте my_file.txt и файл_1.txt.",
        "Откройте my подчёркивание file точка txt и файл подчёркивание 1 точка txt.",
    ),
    ("Выполните `ls -la`.", "Выполните ls дефис la."),
    ("Версия v2.5.1, macOS 15.2, iOS 18.", "Версия 2 точка 5 точка 1, macOS 15.2, iOS 18."),
    ("См. https://www.example.com/a?b=c", "Смотрите ссылка на example точка com"),
    ("Пишите на bob.b@example.com.", "Пишите на bob точка b собака example точка com."),
    ("Сайт www.example.com открыт.", "Сайт ссылка на example точка com открыт."),
    ("#хештег от @имя", "#хештег от @имя"),
    ("Адрес 192.168.1.1.", "Адрес 192 точка 168 точка 1 точка 1."),
    ("- [x] Купить молоко\n- [ ] Купить хлеб", "сделано: Купить молоко. не сделано: Купить хлеб"),
    ("| План | ❌ | ✅ |", "План, нет, да"),
    ("Оценка: ★★★★☆", "Оценка: 4 из 5"),
    ("Оценка ⭐⭐⭐", "Оценка 3 звезды"),
    ("Париж — столица[1].", "Париж — столица."),
    ("Том &amp; Джерри, <b>да</b>", "Том и Джерри, да"),
    ("## Шаг 1\n1. Первое\n2. Второе", "Шаг 1. 1. Первое. 2. Второе"),
    ("- один\n- два", "один. два"),
    ("**Важно:** `код` и [ссылка](https://example.com).", "Важно: код и ссылка."),
    ("Готово! 🎉", "Готово!"),
    ("Если a >= 5 и b != 7.", "Если a не меньше 5 и b не равно 7."),
    ("Откройте report.pdf на example.com.", "Откройте report точка pdf на example точка com."),
    ("В U.S. так.", "В U.S. так."),
    ("Готово ✅", "Готово"),
    ("🔋 Заряд 50%", "Заряд 50%"),
    ("❌ Нельзя", "Нельзя"),
    ("1️⃣ Первое", "1 Первое"),
    ("Он сказал: «Нажмите ⌘Q».", "Он сказал: «Нажмите Command Q»."),
];

#[test]
fn what_is_on_a_screen_can_be_followed_by_ear_in_english() {
    for (text, expected) in ENGLISH {
        english(text, expected);
    }
}

#[test]
fn what_is_on_a_screen_can_be_followed_by_ear_in_russian() {
    for (text, expected) in RUSSIAN {
        russian(text, expected);
    }
}
