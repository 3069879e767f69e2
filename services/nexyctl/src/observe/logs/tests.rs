use super::*;

/// A little of everything that services write.
const LOG: &str = r#"
ts=2026-11-20T10:00:00.000Z level=INFO scope=runtime decision=listening ctx={"service":"nexy-gateway","version":"1.2.3"}
ts=2026-11-20T10:00:01.000Z level=INFO scope=grpc decision=worker_state ctx={"addr":"10.0.0.1:50052","state":"ready"}
ts=2026-11-20T10:00:02.000Z level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio decision=start ctx={"session_id":"s1"}
ts=2026-11-20T10:00:02.400Z level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio decision=action_forwarded ctx={"session_id":"s1","transport":"mcp_prefix"}
ts=2026-11-20T10:00:06.000Z level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio decision=complete ctx={"session_id":"s1","grpc_code":"OK","first_audio_ms":398,"providers":"llm=openai;tts=espeak","trace_id":"t1"} dur_ms=4000
ts=2026-11-20T10:00:07.000Z level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio decision=complete ctx={"session_id":"s2","grpc_code":"OK","providers":"llm=openai","degraded":["tts"],"trace_id":"t2"} dur_ms=900
ts=2026-11-20T10:00:08.000Z level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio decision=abort ctx={"session_id":"s3","grpc_code":"CANCELLED","error_type":"cancelled_by_user","first_audio_ms":500} dur_ms=1000
ts=2026-11-20T10:00:08.001Z level=INFO scope=grpc decision=interrupted ctx={"device":"h:1","stopped":1}
ts=2026-11-20T10:00:09.000Z level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio decision=error ctx={"session_id":"s4","grpc_code":"UNAVAILABLE","error_type":"unavailable"} dur_ms=20
ts=2026-11-20T10:00:10.000Z level=INFO scope=grpc method=/streaming.StreamingService/StreamAudio decision=error ctx={"grpc_code":"RESOURCE_EXHAUSTED","error_type":"stream_limit_exceeded"} dur_ms=0
ts=2026-11-20T10:00:11.000Z level=WARN scope=worker decision=retry ctx={"stage":"llm","provider":"gemini","error_type":"timeout","reason":"no word in time"} dur_ms=2000
ts=2026-11-20T10:00:11.001Z level=WARN scope=worker decision=breaker_state ctx={"provider":"gemini","state":"open","pause_s":30}
ts=2026-11-20T10:00:12.000Z level=WARN scope=worker decision=degrade ctx={"stage":"tts","reason":"no voice"}
ts=2026-11-20T10:00:13.000Z level=WARN scope=worker decision=action_dropped ctx={"reason":"unknown_command"}
ts=2026-11-20T10:00:14.000Z level=WARN scope=grpc method=/streaming.StreamingService/StreamAudio decision=turn_moved ctx={"session_id":"s5","from":"10.0.0.1:50052","to":"10.0.0.2:50052","reason":"broken_off"}
ts=2026-11-20T10:00:15.000Z level=WARN scope=grpc decision=connection_refused ctx={"reason":"too_slow","count":12}
ts=2026-11-20T10:00:16.000Z level=INFO scope=releases decision=release_published ctx={"channel":"stable","version":"2.0.0","build":"32"}
ts=2026-11-20T10:00:17.000Z level=INFO scope=worker method=/nexy.worker.v1.Worker/Respond decision=complete ctx={"grpc_code":"OK"} dur_ms=70
ts=2026-11-20T10:00:18.000Z level=WARN scope=dependency decision=dependency_log ctx={"target":"h2","message":"odd"}
this is none
"#;

fn answer(questions: &[Question]) -> (Answer, Tally) {
    let mut log = LogReader::new(LOG.trim_start().as_bytes());
    let mut answer = Answer::to(questions);
    each(&mut log, |record| answer.take(record)).unwrap();
    (answer, log.tally())
}

fn text(questions: &[Question], look: Look) -> String {
    let (answer, tally) = answer(questions);
    as_text(&answer.sheets(), tally, &answer, look).join("\n")
}

#[test]
fn every_question_is_answered_in_a_table() {
    insta::assert_snapshot!(text(&Question::ALL, Look::Piped), @"
    20 lines, 2026-11-20T10:00:00Z to 2026-11-20T10:00:18Z, 1 unreadable (line 20: no ts at its beginning).

    Calls
    rpc          scope   count  good  errors  interrupted  refused  p50     p95     max
    StreamAudio  grpc    5      2     1       1            1        500 ms  900 ms  900 ms
    Respond      worker  1      1     0       0            0        70 ms   70 ms   70 ms

    Errors
    scope  rpc          error type   grpc code    count
    grpc   StreamAudio  unavailable  UNAVAILABLE  1

    Slowest turns
    latency  ended                     grpc code  providers              session id  trace id
    900 ms   2026-11-20T10:00:07.000Z  OK         llm=openai             s2          t2
    500 ms   2026-11-20T10:00:08.000Z  CANCELLED  -                      s3          -
    398 ms   2026-11-20T10:00:06.000Z  OK         llm=openai;tts=espeak  s1          t1

    Refusals
    rpc          reason                 count
    StreamAudio  stream_limit_exceeded  1

    Interrupts
    what                                       count
    InterruptSession                           1
    turns that ended early, after first sound  1
    turns that it stopped                      1

    Turns by who answered
    stage  provider  count
    llm    openai    2
    tts    espeak    1

    Providers that were given up
    stage  provider  error type  count
    llm    gemini    timeout     1

    Circuit breakers
    provider  state  count
    gemini    open   1

    What was left out
    what     part  reason    count
    degrade  tts   no voice  1
    turn     tts   -         1

    Actions
    what       detail           count
    dropped    unknown_command  1
    forwarded  mcp_prefix       1

    Workers
    worker          what        reason      count
    10.0.0.1:50052  ready       -           1
    10.0.0.1:50052  turn_moved  broken_off  1

    Refused connections
    reason    count
    too_slow  12

    Releases
    at                        level  scope     decision           detail
    2026-11-20T10:00:16.000Z  INFO   releases  release_published  build 32, channel stable, version 2.0.0

    Services
    at                        level  scope    decision   detail
    2026-11-20T10:00:00.000Z  INFO   runtime  listening  service nexy-gateway, version 1.2.3

    Lines of libraries and of nginx
    target  level  count
    h2      WARN   1
    ");
}

#[test]
fn one_question_is_answered_alone() {
    insta::assert_snapshot!(text(&[Question::Errors], Look::Piped), @"
    20 lines, 2026-11-20T10:00:00Z to 2026-11-20T10:00:18Z, 1 unreadable (line 20: no ts at its beginning).

    Errors
    scope  rpc          error type   grpc code    count
    grpc   StreamAudio  unavailable  UNAVAILABLE  1
    ");
    insta::assert_snapshot!(text(&[Question::Refusals], Look::Plain), @"
    20 lines, 2026-11-20T10:00:00Z to 2026-11-20T10:00:18Z, 1 unreadable (line 20: no ts at its beginning).

    Refusals:
    StreamAudio: reason stream_limit_exceeded, count 1.
    ");
}

#[test]
fn scripts_get_one_object() {
    let (answer, tally) = answer(&[Question::Rpcs, Question::Connections]);
    let json = as_json(&answer.sheets(), tally, &answer);
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap(), @r#"
    {
      "connections": [
        {
          "count": 12,
          "reason": "too_slow"
        }
      ],
      "first": "2026-11-20T10:00:00.000Z",
      "last": "2026-11-20T10:00:18.000Z",
      "lines": {
        "access": 0,
        "first_unreadable": [
          20,
          "no ts at its beginning"
        ],
        "lines": 20,
        "records": 19,
        "unreadable": 1
      },
      "rpcs": [
        {
          "count": 5,
          "errors": 1,
          "good": 2,
          "interrupted": 1,
          "max_ms": 900,
          "p50_ms": 500,
          "p95_ms": 900,
          "refused": 1,
          "rpc": "StreamAudio",
          "scope": "grpc"
        },
        {
          "count": 1,
          "errors": 0,
          "good": 1,
          "interrupted": 0,
          "max_ms": 70,
          "p50_ms": 70,
          "p95_ms": 70,
          "refused": 0,
          "rpc": "Respond",
          "scope": "worker"
        }
      ]
    }
    "#);
}

#[test]
fn what_was_not_met_is_said_too() {
    let mut answer = Answer::to(&[Question::Errors]);
    let record = "ts=2026-11-20T10:00:00.000Z level=INFO scope=a decision=b ctx={}";
    answer.take(&Record::parse(record).unwrap());
    let lines = as_text(&answer.sheets(), Tally::default(), &answer, Look::Piped);
    assert_eq!(lines.last().map(String::as_str), Some("Errors: none."));
}

#[test]
fn a_log_without_decisions_says_why_it_is_none() {
    let (_, mut tally) = answer(&[]);
    tally.records = 0;
    assert_eq!(
        nothing(tally),
        "none of 20 lines is of a decision log; line 20: no ts at its beginning"
    );
    assert_eq!(nothing(Tally::default()), "the log is empty");
}

#[test]
fn words_that_somebody_makes_up_cost_bounded_memory() {
    let mut answer = Answer::to(&Question::ALL);
    for number in 0..20_000 {
        let line = format!(
            "ts=2026-11-20T10:00:00.000Z level=WARN scope=s{number} method=/a/{number} \
             decision=error ctx={{\"error_type\":\"e{number}\",\"grpc_code\":\"INTERNAL\"}} dur_ms=1"
        );
        answer.take(&Record::parse(&line).unwrap());
    }
    for sheet in answer.sheets() {
        assert!(sheet.rows.len() <= 501, "{} has {} rows", sheet.key, sheet.rows.len());
    }
}

#[test]
fn since_takes_a_time_or_a_span() {
    assert_eq!(moment("2026-11-20T10:00:00Z").unwrap().to_string(), "2026-11-20T10:00:00Z");
    let ago = Timestamp::now().duration_since(moment("10m").unwrap()).as_secs();
    assert!((599..=601).contains(&ago), "{ago}");
    assert!(moment("yesterday").is_err());
}
