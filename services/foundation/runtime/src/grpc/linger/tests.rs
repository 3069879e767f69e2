use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

use super::*;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(10);
const A_MOMENT: Duration = Duration::from_millis(200);

async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (listener.accept().await.unwrap().0, client)
}

#[tokio::test]
async fn a_client_that_still_speaks_reads_the_end() {
    let (socket, mut client) = connected().await;
    let began = Instant::now();
    let server = async {
        let mut lingering = Lingering::new(socket, SOON);
        lingering.write_all(b"the end").await.unwrap();
        lingering.shutdown().await.unwrap();
    };
    let client = async {
        // A socket that was closed at once would refuse the second.
        for said in [b"one", b"two"] {
            sleep(A_MOMENT).await;
            client.write_all(said).await.unwrap();
        }
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.unwrap();
        drop(client);
        heard
    };
    let ((), heard) = timeout(SOON, async { tokio::join!(server, client) }).await.unwrap();
    assert_eq!(heard, "the end");
    assert!(began.elapsed() < SOON / 2, "it is over once the client has hung up");
}

#[tokio::test]
async fn a_client_that_stays_is_left() {
    let (socket, client) = connected().await;
    let mut lingering = Lingering::new(socket, A_MOMENT);
    let began = Instant::now();
    timeout(SOON, lingering.shutdown()).await.unwrap().unwrap();
    assert!((A_MOMENT..SOON / 2).contains(&began.elapsed()), "{:?}", began.elapsed());
    drop(client);
}

#[tokio::test]
async fn a_client_that_never_stops_speaking_is_left() {
    let (socket, mut client) = connected().await;
    let mut lingering = Lingering::new(socket, A_MOMENT);
    let speaking = async { while client.write_all(&[7; 65_536]).await.is_ok() {} };
    let leaving = timeout(SOON, lingering.shutdown());
    tokio::select! {
        () = speaking => panic!("nothing ends it"),
        left = leaving => left.unwrap().unwrap(),
    }
}
