use super::parse_line;

#[test]
fn reads_the_lines_that_shells_and_container_tools_write() {
    let check = |line: &str, value: &str| {
        assert_eq!(parse_line(line), Ok(Some(("A", value.to_owned()))), "{line}");
    };
    check("A=b", "b");
    check("  export A = b c  ", "b c");
    check("A=", "");
    check("A=b # comment", "b");
    check("A=b#c", "b#c");
    check("A=# comment", "");
    check("A='b # \\n c' # comment", "b # \\n c");
    check(r#"A="b\n\"c\" \\ d""#, "b\n\"c\" \\ d");
    check("A=b=c", "b=c");
    for line in ["", "   ", "# comment", "  # A=b"] {
        assert_eq!(parse_line(line), Ok(None), "{line}");
    }
}

#[test]
fn refuses_other_lines() {
    for line in ["A", "A B=c", "1A=b", "=b", "A='b", "A=\"b", "A='b' c", "A=\"b\\"] {
        assert!(parse_line(line).is_err(), "{line}");
    }
}
