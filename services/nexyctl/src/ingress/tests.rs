mod live;

use std::{net::TcpListener as Port, path::PathBuf, time::Duration};

use jiff::{Timestamp, ToSpan as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tonic_types::StatusExt as _;

use super::{
    Settings,
    certificate::{Files, SelfSigned},
    decisions::NginxLine,
    nginx::{Build, Nginx, Order, Version},
    template::Rendering,
    upstreams::{Addresses, Names},
};

const DEBIAN_12: &str = "nginx version: nginx/1.22.1\nbuilt with OpenSSL 3.0.8\n\
    configure arguments: --with-http_v2_module";
const CURRENT: &str = "nginx version: nginx/1.29.3\nconfigure arguments: \
    --with-http_v2_module --without-http_uwsgi_module --without-http_scgi_module";

/// A directory with a certificate, and settings that name free ports.
struct Door {
    dir: TempDir,
    settings: Settings,
    addresses: Addresses,
}

fn free_port() -> u16 {
    Port::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Door {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let settings = Settings {
            host_name: "nexy.example".to_owned(),
            listen_host: "127.0.0.1".to_owned(),
            http_port: free_port(),
            tls_port: free_port(),
            certificate: None,
            upstreams: Names {
                gateway_grpc: vec!["127.0.0.1:50051".to_owned()],
                gateway_http: vec!["127.0.0.1:8080".to_owned()],
                update_http: vec!["127.0.0.1:8081".to_owned()],
            },
            resolve_interval: Duration::from_secs(5),
            probe_interval: Duration::from_millis(500),
            grpc_timeout: Duration::from_secs(3600),
            worker_shutdown_timeout: Duration::from_millis(1500),
            drain: Duration::from_secs(1),
            max_connections_per_address: 100,
            requests_per_second_per_address: 50,
            request_burst: 20,
            upload_window: 4_194_304,
            data_dir: dir.path().to_owned(),
        };
        settings.self_signed().unwrap().unwrap().ensure(Timestamp::now()).unwrap();
        let address = |port| vec![format!("127.0.0.1:{port}").parse().unwrap()];
        let addresses = Addresses {
            gateway_grpc: address(50051),
            gateway_http: address(8080),
            update_http: address(8081),
            leaving: Vec::new(),
        };
        Self { dir, settings, addresses }
    }

    fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    fn try_render(&self, build: &str) -> anyhow::Result<String> {
        Rendering {
            settings: &self.settings,
            build: &Build::parse(build).unwrap(),
            addresses: &self.addresses,
            certificate: &self.settings.certificate_files().unwrap(),
            run_dir: &self.run_dir(),
        }
        .render()
    }

    fn render(&self, build: &str) -> String {
        self.try_render(build).unwrap()
    }
}

/// Missing programs fail in CI and are skipped loudly elsewhere.
async fn installed(door: &Door) -> Option<Nginx> {
    match Nginx::find("nginx".as_ref(), door.run_dir()).await {
        Ok(nginx) => Some(nginx),
        Err(error) if option_env!("CI").is_some() => panic!("{error:#}"),
        Err(error) => {
            eprintln!("SKIPPED: {error:#}");
            None
        }
    }
}

// === the text ===

#[test]
fn leaves_no_placeholder_unfilled() {
    let text = Door::new().render(DEBIAN_12);
    assert!(!text.contains("{{") && !text.contains("}}"), "{text}");
}

#[test]
fn speaks_http2_in_the_words_of_each_version() {
    let mut door = Door::new();
    door.settings.tls_port = 8443;
    let old = door.render(DEBIAN_12);
    assert!(old.contains("listen 127.0.0.1:8443 ssl http2 default_server;"), "{old}");
    assert!(!old.contains("http2 on;"), "{old}");
    let new = door.render(CURRENT);
    assert!(new.contains("listen 127.0.0.1:8443 ssl default_server;"), "{new}");
    assert!(new.contains("http2 on;"), "{new}");
}

#[test]
fn names_only_folders_of_modules_that_are_compiled_in() {
    let text = Door::new().render(CURRENT);
    assert!(text.contains("fastcgi_temp_path"), "{text}");
    assert!(!text.contains("uwsgi_temp_path") && !text.contains("scgi_temp_path"), "{text}");
}

#[test]
fn health_and_status_stand_before_the_grpc_location() {
    let text = Door::new().render(DEBIAN_12);
    let places: Vec<usize> = [
        "location = /health",
        "location = /status",
        "location = /appcast.xml",
        "location = /updates/appcast.xml",
        "location = /updates/appcast-beta.xml",
        "location = /updates/health",
        "location /updates/downloads/",
        "location /updates/ {",
        "grpc_pass grpc://",
    ]
    .into_iter()
    .map(|location| text.find(location).unwrap_or_else(|| panic!("no {location}")))
    .collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn adds_no_cache_control() {
    let text = Door::new().render(DEBIAN_12).to_lowercase();
    let mut said = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    assert!(!said.any(|line| line.contains("cache-control")), "{text}");
}

#[test]
fn redirects_to_the_port_of_tls_unless_it_is_the_usual_one() {
    let mut door = Door::new();
    door.settings.tls_port = 8443;
    assert!(door.render(DEBIAN_12).contains("return 301 https://$host:8443$request_uri;"));
    door.settings.tls_port = 443;
    assert!(door.render(DEBIAN_12).contains("return 301 https://$host$request_uri;"));
}

#[test]
fn every_time_out_of_a_call_is_the_configured_one() {
    let mut door = Door::new();
    door.settings.grpc_timeout = Duration::from_secs(1234);
    for text in [door.render(DEBIAN_12), door.render(CURRENT)] {
        let (_, location) = text.split_once("grpc_pass grpc://").unwrap();
        for directive in
            ["grpc_read_timeout", "grpc_send_timeout", "client_body_timeout", "send_timeout"]
        {
            assert!(location.contains(&format!("            {directive} 1234000ms;")), "{text}");
        }
    }
}

#[test]
fn an_unknown_upstream_is_down_and_not_missing() {
    let mut door = Door::new();
    door.addresses.update_http.clear();
    assert!(door.render(DEBIAN_12).contains("server 127.0.0.1:1 down;"));
}

#[test]
fn lists_every_address_of_an_upstream() {
    let mut door = Door::new();
    door.addresses.gateway_grpc =
        vec!["10.0.0.1:50051".parse().unwrap(), "[fd00::2]:50051".parse().unwrap()];
    let text = door.render(DEBIAN_12);
    assert!(text.contains("server 10.0.0.1:50051 max_fails=1"), "{text}");
    assert!(text.contains("server [fd00::2]:50051 max_fails=1"), "{text}");
}

#[tokio::test]
async fn replicas_are_found_by_a_list_of_names() {
    let names = Names {
        gateway_grpc: vec!["127.0.0.2:50051".to_owned(), "127.0.0.1:50051".to_owned()],
        gateway_http: vec!["127.0.0.1:8080".to_owned(), "no port".to_owned()],
        update_http: vec!["no port".to_owned()],
    };
    let found = Addresses::default().refreshed(&names, Duration::from_secs(2)).await;
    let listed = |addresses: &[std::net::SocketAddr]| {
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(listed(&found.gateway_grpc), ["127.0.0.1:50051", "127.0.0.2:50051"]);
    assert_eq!(listed(&found.gateway_http), ["127.0.0.1:8080"], "one of two is enough");
    assert_eq!(found.unresolved(&names), ["no port"]);
}

#[test]
fn a_burst_of_nothing_is_left_unsaid() {
    let mut door = Door::new();
    door.settings.request_burst = 0;
    assert!(door.render(DEBIAN_12).contains("limit_req zone=address_requests;"));
}

#[test]
fn takes_listen_hosts_of_either_family() {
    let mut door = Door::new();
    door.settings.http_port = 80;
    for (host, expected) in [
        ("::", "[::]:80"),
        ("[::1]", "[::1]:80"),
        ("0.0.0.0", "0.0.0.0:80"),
        ("localhost", "localhost:80"),
    ] {
        host.clone_into(&mut door.settings.listen_host);
        assert!(door.render(DEBIAN_12).contains(&format!("listen {expected} ")), "{host}");
    }
}

#[test]
fn settings_cannot_write_configuration() {
    let mut door = Door::new();
    door.settings.listen_host = "127.0.0.1; include /etc/passwd".to_owned();
    assert!(door.try_render(DEBIAN_12).is_err());
    for path in ["/a\"; evil on; #", "/a$host", "/a\\", "/a\nb", "relative"] {
        let mut door = Door::new();
        door.settings.certificate = Some(Files { certificate: path.into(), key: "/key".into() });
        assert!(door.try_render(DEBIAN_12).is_err(), "{path:?}");
    }
}

#[test]
fn refusals_of_nginx_carry_the_same_details_as_those_of_the_services() {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    let text = Door::new().render(DEBIAN_12);
    let reasons: Vec<String> = text
        .split("grpc-status-details-bin \"")
        .skip(1)
        .map(|rest| {
            let details = STANDARD_NO_PAD.decode(rest.split('"').next().unwrap()).unwrap();
            let status = tonic::Status::with_details(tonic::Code::Unavailable, "", details.into());
            status.get_details_error_info().unwrap().reason
        })
        .collect();
    assert_eq!(reasons, ["rate_limit_exceeded", "unavailable"]);
}

#[test]
fn reads_versions_of_relatives_too() {
    for (line, expected) in [
        (DEBIAN_12, Some((1, 22, 1))),
        ("nginx version: openresty/1.25.3.1", Some((1, 25, 3))),
        ("nginx version: nginx/1.18.0 (Ubuntu)", Some((1, 18, 0))),
        ("bash: nginx: command not found", None),
    ] {
        let version = expected.map(|(major, minor, patch)| Version { major, minor, patch });
        assert_eq!(Build::parse(line).map(|build| build.version), version, "{line}");
    }
}

#[test]
fn a_line_of_the_error_log_loses_its_request() {
    let line = NginxLine::parse(
        "2026/11/20 23:40:01 [error] 7#7: *37 connect() failed (111: Connection refused) while \
         connecting to upstream, client: 127.0.0.1, server: _, request: \"GET /x?secret HTTP/2.0\"",
    );
    let json = serde_json::to_string(&line).unwrap();
    assert_eq!(
        json,
        r#"{"target":"nginx","message":"7#7: *37 connect() failed (111: Connection refused) while connecting to upstream"}"#
    );
}

// === the certificate ===

#[test]
fn clients_that_trust_the_certificate_accept_every_name_of_it() {
    let door = Door::new();
    for name in ["localhost", "127.0.0.1", "::1", "nexy.example"] {
        assert_eq!(handshake(&door, name), Ok(()), "{name}");
    }
    assert!(handshake(&door, "other.example").is_err());
}

/// A TLS handshake in memory, between rustls and itself.
fn handshake(door: &Door, name: &str) -> Result<(), rustls::Error> {
    let files = door.settings.certificate_files().unwrap();
    let certificate = CertificateDer::from_pem_file(&files.certificate).unwrap();
    let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate)?;
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = rustls::ClientConnection::new(client.into(), name)?;
    let mut server = rustls::ServerConnection::new(server.into())?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut bytes = Vec::new();
        server.write_tls(&mut bytes).unwrap();
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn a_good_certificate_is_kept_and_an_old_one_replaced() {
    let dir = TempDir::new().unwrap();
    let own = SelfSigned::new(dir.path(), "nexy.example").unwrap();
    let now = Timestamp::now();
    assert!(own.ensure(now).unwrap());
    let first = own.files().fingerprint().unwrap();
    assert!(!own.ensure(now).unwrap());
    assert!(!own.ensure(now + (780 * 24).hours()).unwrap());
    assert_eq!(own.files().fingerprint().unwrap(), first);
    assert!(own.ensure(now + (800 * 24).hours()).unwrap());
    assert_ne!(own.files().fingerprint().unwrap(), first);
}

#[test]
fn another_host_name_needs_another_certificate() {
    let dir = TempDir::new().unwrap();
    let now = Timestamp::now();
    assert!(SelfSigned::new(dir.path(), "one.example").unwrap().ensure(now).unwrap());
    assert!(SelfSigned::new(dir.path(), "203.0.113.7").unwrap().ensure(now).unwrap());
    assert!(!SelfSigned::new(dir.path(), "203.0.113.7").unwrap().ensure(now).unwrap());
    assert!(SelfSigned::new(dir.path(), "not a name").is_err());
}

#[test]
fn a_damaged_key_is_replaced_and_never_readable_by_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    let own = SelfSigned::new(dir.path(), "localhost").unwrap();
    own.ensure(Timestamp::now()).unwrap();
    std::fs::write(&own.files().key, "damaged").unwrap();
    assert!(own.ensure(Timestamp::now()).unwrap());
    let mode = std::fs::metadata(&own.files().key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

// === real nginx ===

#[tokio::test]
async fn nginx_accepts_what_is_rendered_and_refuses_what_is_not() {
    let door = Door::new();
    let Some(nginx) = installed(&door).await else { return };
    let text = door.render_for(&nginx);
    nginx.install(&text).await.unwrap();
    let refused = nginx.install(&text.replace("ssl_certificate_key", "ssl_certificate_quay")).await;
    assert!(format!("{:#}", refused.unwrap_err()).contains("ssl_certificate_quay"));
    let kept = std::fs::read_to_string(door.run_dir().join("nginx.conf")).unwrap();
    assert_eq!(kept, text);
}
