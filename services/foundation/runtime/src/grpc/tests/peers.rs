use http_body_util::BodyExt as _;
use tower::{Service as _, ServiceExt as _};

use super::*;

pub(super) fn peer() -> Peer {
    Peer {
        connect_timeout: SOON,
        keepalive_interval: SOON,
        keepalive_timeout: SOON,
        stream_window: 65_536,
        max_streams: 200,
        tls: None,
    }
}

async fn flooded(channel: &mut Channel) -> tonic::body::Body {
    let request = http::Request::post("http://peer/test/flood").body(tonic::body::Body::empty());
    channel.ready().await.unwrap().call(request.unwrap()).await.unwrap().into_body()
}

#[tokio::test]
async fn listeners_who_do_not_read_hold_up_nobody_else_on_the_connection() {
    let served = Served::with(Settings { max_streams: 200, ..settings() }).await;
    let mut channel = peer().channel(&served.at.to_string()).unwrap();
    let mut unread = Vec::new();
    for _ in 0..150 {
        unread.push(flooded(&mut channel).await);
    }
    let mut read = flooded(&mut channel).await;
    let reading = async {
        let mut bytes = 0;
        while bytes < 4 << 20 {
            bytes += read.frame().await.unwrap().unwrap().into_data().unwrap().len();
        }
    };
    timeout(SOON, reading).await.unwrap();
}

#[tokio::test]
async fn an_address_that_cannot_be_one_is_an_error() {
    let error = peer().channel("no address").unwrap_err();
    assert!(format!("{error:#}").contains("no address is not host:port"), "{error:#}");
}
