use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;

/// Error codes of RFC 9113 §7.
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

async fn is_closed(socket: &mut TcpStream) -> bool {
    let mut byte = [0; 64];
    // A server that has read nothing may answer with its settings first.
    loop {
        match timeout(SOON, socket.read(&mut byte)).await {
            Ok(Ok(0) | Err(_)) => return true,
            Ok(Ok(_)) => {}
            Err(_) => return false,
        }
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_while_others_are_served() {
    let terms = Settings { handshake_timeout: A_WHILE, ..settings() };
    let served = Served::with(terms).await;
    let before = refused("too_slow");
    let mut silent = TcpStream::connect(served.at).await.unwrap();
    let mut slow = TcpStream::connect(served.at).await.unwrap();
    slow.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    served.answers().await;
    assert!(is_closed(&mut silent).await && is_closed(&mut slow).await);
    assert!(refused("too_slow") >= before + 2);
    served.answers().await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once() {
    let served = Served::with(Settings { max_connections: 1, ..settings() }).await;
    let mut first = RawClient::connect(served.at).await;
    first.watch_health(1).await;
    first.until(|frame| matches!(frame, Frame::Data { .. })).await;
    let before = refused("too_many");
    let mut second = TcpStream::connect(served.at).await.unwrap();
    assert!(is_closed(&mut second).await);
    assert!(refused("too_many") > before);
    drop(first);
    let served_again = async {
        loop {
            let endpoint = Endpoint::from_shared(format!("http://{}", served.at)).unwrap();
            if let Ok(channel) = endpoint.connect().await
                && HealthClient::new(channel).check(HealthCheckRequest::default()).await.is_ok()
            {
                return;
            }
        }
    };
    timeout(SOON, served_again).await.unwrap();
}

#[tokio::test]
async fn more_calls_than_a_connection_may_have_wait_for_their_turn() {
    let served = Served::with(Settings { max_streams: 2, ..settings() }).await;
    let mut client = served.client().await;
    let mut watch = async || {
        let mut stream = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
        assert!(stream.message().await.unwrap().is_some());
        stream
    };
    let (first, _second) = (watch().await, watch().await);
    let third = client.check(HealthCheckRequest::default());
    tokio::pin!(third);
    assert!(timeout(A_WHILE, &mut third).await.is_err());
    drop(first);
    timeout(SOON, third).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_ignores_the_limit_of_calls_has_them_refused() {
    let served = Served::with(Settings { max_streams: 2, ..settings() }).await;
    let mut client = RawClient::connect(served.at).await;
    for stream in [1, 3, 5] {
        client.watch_health(stream).await;
    }
    let refused =
        client.until(|frame| matches!(frame, Frame::Reset { .. } | Frame::GoAway { .. })).await;
    assert_eq!(refused, Frame::Reset { stream: 5, code: REFUSED_STREAM });
    served.answers().await;
}

#[tokio::test]
async fn metadata_above_the_limit_is_refused_and_the_connection_lives() {
    let served = Served::with(settings()).await;
    let mut client = served.client().await;
    let ask = |bytes: usize| {
        let mut request = tonic::Request::new(HealthCheckRequest::default());
        request.metadata_mut().insert("nexy-test", "x".repeat(bytes).parse().unwrap());
        request
    };
    client.check(ask(15_000)).await.unwrap();
    let status = timeout(SOON, client.check(ask(17_000))).await.unwrap().unwrap_err();
    // 431 Request Header Fields Too Large, which gRPC has no code for.
    assert!(status.message().contains("431"), "{status:?}");
    client.check(ask(1000)).await.unwrap();
}

#[tokio::test]
async fn a_storm_of_calls_that_are_reset_at_once_ends_the_connection() {
    let served = Served::with(settings()).await;
    let mut client = RawClient::connect(served.at).await;
    for number in 0..5000 {
        client.open(2 * number + 1).await;
        client.reset(2 * number + 1).await;
    }
    let end = client.until(|frame| matches!(frame, Frame::GoAway { .. })).await;
    assert_eq!(end, Frame::GoAway { code: ENHANCE_YOUR_CALM });
    client.until_closed().await;
    served.answers().await;
}

#[tokio::test]
async fn a_client_that_speaks_no_http_2_is_closed() {
    let served = Served::with(settings()).await;
    let mut client = TcpStream::connect(served.at).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(is_closed(&mut client).await);
    served.answers().await;
}

#[tokio::test]
async fn clients_that_speak_on_after_they_were_refused_do_not_cost_others_the_connection() {
    // As many as HTTP/2 libraries allow by themselves, and some.
    const REFUSED: u32 = 1100;
    for (allowed, lives) in [(10_000, true), (1000, false)] {
        let served = Served::with(Settings { max_resets: allowed, ..settings() }).await;
        let mut client = RawClient::connect(served.at).await;
        let streams = (0..REFUSED).map(|number| 2 * number + 1);
        for stream in streams.clone() {
            client.open_unknown(stream).await;
            client
                .until(|frame| matches!(frame, Frame::Reset { stream: at, .. } if *at == stream))
                .await;
        }
        // What the server remembers of a refused call for a second.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        for stream in streams {
            client.say(stream).await;
        }
        let last = 2 * REFUSED + 1;
        client.watch_health(last).await;
        let told = client.until(|frame| {
            matches!(frame, Frame::GoAway { .. }) || *frame == Frame::Data { stream: last }
        });
        let told = told.await;
        // ENHANCE_YOUR_CALM (RFC 9113 §7).
        let expected =
            if lives { Frame::Data { stream: last } } else { Frame::GoAway { code: 11 } };
        assert_eq!(told, expected);
    }
}
