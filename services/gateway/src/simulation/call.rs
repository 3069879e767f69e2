//! A call of a device.

use std::{cell::RefCell, rc::Rc, time::Duration};

use nexy_proto::streaming::{StreamRequest, StreamResponse};
use tokio::{sync::mpsc, time::timeout};
use tonic::{Status, Streaming};

use super::{
    device::{Device, now},
    heard::Heard,
};

/// A call that is open.
pub(super) struct Call {
    pub(super) heard: Rc<RefCell<Heard>>,
    pub(super) began: Duration,
    pub(super) deadline: Duration,
    /// When its client goes away.
    pub(super) gives_up: Duration,
    pub(super) requests: Option<mpsc::Sender<StreamRequest>>,
    pub(super) responses: Option<Streaming<StreamResponse>>,
}

// === impl Call ===

impl Call {
    /// Hears everything to the end. Cancel-safe.
    pub(super) async fn hear_all(&mut self, device: &Device) {
        while let Some(responses) = &mut self.responses {
            let patience = self.gives_up.saturating_sub(now());
            match timeout(patience, responses.message()).await {
                Ok(Ok(Some(message))) => {
                    device.board.note(&device.name, || format!("hears {message:?}"));
                    let taken = self.heard.borrow_mut().take(message, now());
                    if let Err(wrong) = taken {
                        device.violation(&wrong, &self.heard.borrow());
                    }
                }
                Ok(Ok(None)) => self.end(device, None),
                Ok(Err(status)) => self.end(device, Some(&status)),
                Err(_) => self.give_up(device),
            }
        }
    }

    pub(super) fn end(&mut self, device: &Device, status: Option<&Status>) {
        self.responses = None;
        let told = || status.map(|status| (status.code(), status.message()));
        device.board.note(&device.name, || format!("is told the end: {:?}", told()));
        let ended = self.heard.borrow_mut().end(status, now());
        if let Err(wrong) = ended {
            device.violation(&wrong, &self.heard.borrow());
        }
    }

    pub(super) fn give_up(&mut self, device: &Device) {
        self.responses = None;
        self.heard.borrow_mut().hang_up(now());
        if !device.is_disturbed(self.began) {
            device.violation("no end in time", &self.heard.borrow());
        }
    }
}
