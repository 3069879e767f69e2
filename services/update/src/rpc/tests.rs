use std::sync::Arc;

use nexy_proto::update::{LatestRequest, update_server::Update as _};
use nexy_releases::Channel;
use tonic::{Code, Request};

use super::UpdateRpc;
use crate::{
    fixture::{Folders, TestRelease, site},
    settings::Settings,
};

async fn latest(settings: Settings, channel: &str) -> Result<Option<(String, String)>, Code> {
    let (site, mut keeper) = site(settings);
    keeper.settle().await;
    let rpc = UpdateRpc { library: Arc::clone(&site.library) };
    let request = Request::new(LatestRequest { channel: channel.to_owned() });
    let response = rpc.latest(request).await.map_err(|status| status.code())?;
    Ok(response.into_inner().release.map(|release| (release.version, release.build)))
}

#[tokio::test]
async fn tells_the_release_that_is_served_on_a_channel() {
    let folders = Folders::new();
    folders.publish(Channel::Stable, &TestRelease::new("2.0.0.32").with("/version", "2.0"));
    folders.publish(Channel::Beta, &TestRelease::new("2.1.0.40"));
    let pair = |version: &str, build: &str| Ok(Some((version.to_owned(), build.to_owned())));
    let settings = || folders.settings();
    assert_eq!(latest(settings(), "").await, pair("2.0", "2.0.0.32"));
    assert_eq!(latest(settings(), "stable").await, pair("2.0", "2.0.0.32"));
    assert_eq!(latest(settings(), "beta").await, pair("2.1.0.40", "2.1.0.40"));
    assert_eq!(latest(settings(), "alpha").await, Ok(None));
    assert_eq!(latest(settings(), "nightly").await, Err(Code::InvalidArgument));
    assert_eq!(latest(Settings { beta_enabled: false, ..settings() }, "beta").await, Ok(None));
    assert_eq!(latest(Settings { enabled: false, ..settings() }, "").await, Ok(None));
}
