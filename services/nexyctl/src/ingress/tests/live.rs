//! The door as clients see it: a real nginx and what stands behind it.

use super::*;

#[tokio::test]
async fn the_door_answers_redirects_and_passes_on() {
    nexy_runtime::install_tls_provider();
    let mut door = Door::new();
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    door.addresses.gateway_http = vec![service.local_addr().unwrap()];
    door.addresses.gateway_grpc.clear();
    let Some(nginx) = installed(&door).await else { return };
    nginx.install(&door.render_for(&nginx)).await.unwrap();
    let mut child = nginx.start().unwrap();
    let answering = answer_once(service);
    let client = door.client();
    let url = format!("https://localhost:{}", door.settings.tls_port);

    let (health, request) =
        tokio::join!(get_when_up(&client, format!("{url}/health?token=secret")), answering);
    assert_eq!(health.status(), 200);
    assert_eq!(all(&health, "cache-control"), ["public, max-age=30"]);
    assert_eq!(all(&health, "x-content-type-options"), ["nosniff"]);
    assert_eq!(all(&health, "strict-transport-security"), ["max-age=31536000"]);
    assert!(request.contains("X-Forwarded-For: 127.0.0.1"), "{request}");

    for path in
        ["/", "/metrics", "/updates/metrics", "/updates/%6Detrics", "/updates/x/..%2fmetrics"]
    {
        let answer = client.get(format!("{url}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(all(&answer, "content-type"), ["text/plain"], "{path}");
    }
    let put = client.put(format!("{url}/updates/api/versions")).send().await.unwrap();
    assert_eq!(put.status(), 405);

    let call = client
        .post(format!("{url}/streaming.StreamingService/StreamAudio"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .send()
        .await
        .unwrap();
    assert_eq!((call.status().as_u16(), call.version()), (200, http::Version::HTTP_2));
    assert_eq!(all(&call, "grpc-status"), ["14"]);
    assert!(all(&call, "strict-transport-security").is_empty());

    let plain = format!("http://localhost:{}/health?x=1", door.settings.http_port);
    let redirect = client.get(plain).send().await.unwrap();
    assert_eq!(redirect.status(), 301);
    assert_eq!(all(&redirect, "location"), [format!("{url}/health?x=1")]);

    nginx.order(Order::Quit).await.unwrap();
    let mut log = String::new();
    child.stdout.take().unwrap().read_to_string(&mut log).await.unwrap();
    assert!(child.wait().await.unwrap().success());
    assert!(
        log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
        "{log}"
    );
    assert!(log.contains(r#""path":"/health""#) && !log.contains("secret"), "{log}");
}

#[tokio::test]
async fn calls_over_the_limit_are_refused_as_grpc_and_pages_as_pages() {
    nexy_runtime::install_tls_provider();
    let mut door = Door::new();
    door.settings.requests_per_second_per_address = 1;
    door.settings.request_burst = 1;
    door.addresses = Addresses::default();
    let Some(nginx) = installed(&door).await else { return };
    nginx.install(&door.render_for(&nginx)).await.unwrap();
    let mut child = nginx.start().unwrap();
    let client = door.client();
    let url = format!("https://localhost:{}", door.settings.tls_port);
    get_when_up(&client, url.clone()).await;
    let call = || {
        client
            .post(format!("{url}/a.B/C"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .send()
    };
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.extend(all(&call().await.unwrap(), "grpc-status"));
    }
    assert_eq!(statuses.first().unwrap(), "14", "{statuses:?}");
    assert_eq!(statuses.last().unwrap(), "8", "{statuses:?}");
    let page = client.get(format!("{url}/health")).send().await.unwrap();
    assert_eq!(page.status(), 429);
    assert_eq!(all(&page, "retry-after"), ["1"]);
    nginx.order(Order::Stop).await.unwrap();
    child.wait().await.unwrap();
}

impl Door {
    pub(super) fn render_for(&self, nginx: &Nginx) -> String {
        Rendering {
            settings: &self.settings,
            build: nginx.build(),
            addresses: &self.addresses,
            certificate: &self.settings.certificate_files().unwrap(),
            run_dir: nginx.run_dir(),
        }
        .render()
        .unwrap()
    }

    /// Trusts the door's certificate and nothing else.
    fn client(&self) -> reqwest::Client {
        let pem = std::fs::read(self.settings.certificate_files().unwrap().certificate).unwrap();
        reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap()
    }
}

fn all(answer: &reqwest::Response, header: &str) -> Vec<String> {
    answer
        .headers()
        .get_all(header)
        .iter()
        .map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

/// nginx says nowhere that it is ready.
async fn get_when_up(client: &reqwest::Client, url: String) -> reqwest::Response {
    for _ in 0..100 {
        match client.get(&url).send().await {
            Ok(answer) => return answer,
            Err(error) if error.is_connect() => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("nginx does not answer")
}

/// A service that answers one request, and the head of that request.
async fn answer_once(listener: TcpListener) -> String {
    let (mut stream, _): (TcpStream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    stream
        .write_all(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: public, max-age=30\r\n\
              X-Content-Type-Options: nosniff\r\n\r\n{}",
        )
        .await
        .unwrap();
    String::from_utf8(head).unwrap()
}
