use super::*;

#[tokio::test]
async fn an_old_connection_is_told_to_go_while_its_call_goes_on() {
    let age = Duration::from_millis(200);
    let served = Served::with(Settings { max_age: Some(age), ..settings() }).await;
    let mut client = RawClient::connect(served.at).await;
    client.watch_health(1).await;
    client.until(|frame| matches!(frame, Frame::Data { stream: 1 })).await;
    client.until(|frame| matches!(frame, Frame::GoAway { code: 0 })).await;
    // Long after the goodbye the call still gets what it waits for.
    served.say(ServingStatus::NotServing).await;
    client.until(|frame| matches!(frame, Frame::Data { stream: 1 })).await;
    client.reset(1).await;
    client.until_closed().await;
    served.answers().await;
}

#[tokio::test]
async fn a_call_that_outlives_the_grace_is_cut() {
    let short = Duration::from_millis(200);
    let terms = Settings { max_age: Some(short), age_grace: short, ..settings() };
    let served = Served::with(terms).await;
    let mut client = RawClient::connect(served.at).await;
    client.watch_health(1).await;
    client.until(|frame| matches!(frame, Frame::GoAway { .. })).await;
    client.until_closed().await;
    served.answers().await;
}

#[tokio::test]
async fn a_client_moves_to_a_new_connection_and_keeps_the_calls_of_the_old_one() {
    let age = Duration::from_millis(50);
    let served = Served::with(Settings { max_age: Some(age), ..settings() }).await;
    let mut client = served.client().await;
    let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert!(watch.message().await.unwrap().is_some());
    let until = std::time::Instant::now() + 20 * age;
    let mut answered = 0;
    while std::time::Instant::now() < until {
        match client.check(HealthCheckRequest::default()).await {
            Ok(_) => answered += 1,
            // The goodbye came before the call had left; tonic does not try
            // again by itself.
            Err(status) => assert_eq!(status.code(), Code::Cancelled, "{status:?}"),
        }
    }
    assert!(answered > 20, "{answered}");
    served.say(ServingStatus::NotServing).await;
    assert!(timeout(SOON, watch.message()).await.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_given_up() {
    let soon = Duration::from_millis(100);
    let terms = Settings { keepalive_interval: soon, keepalive_timeout: 5 * soon, ..settings() };
    let served = Served::with(terms).await;
    let mut gone = RawClient::connect(served.at).await;
    let mut idle = RawClient::connect(served.at).await;
    gone.lives = false;
    tokio::select! {
        () = gone.until_closed() => {}
        () = idle.until_closed() => panic!("one that answers may be as idle as it likes"),
    }
}
